"""git in a repository of the workspace: what has changed, what was, and (when the person says so) a commit."""

from pydantic import BaseModel, Field

from backend.agents.skills.repositories import Repository, open_repository, refuse_under_way
from backend.agents.skills.sandbox import Ended, Sandbox
from backend.agents.skills.shell import told
from backend.agents.skills.skill import Context, Danger, Failed, Preview, Refused, Result, Skill
from backend.agents.skills.workspace import parts, visible, visible_lines

REPOSITORY = "The repository's folder in the workspace; empty: the workspace itself"
DIFF = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--no-color")
TITLES = {"ru": "Сделать коммит: {subject}", "en": "Commit: {subject}"}


class Status(BaseModel):
    repository: str = Field("", description=REPOSITORY)


class Differences(Status):
    staged: bool = Field(False, description="What is staged, instead of what is not")
    path: str = Field("", description="Only this file or folder of the repository")


class Log(Status):
    commits: int = Field(20, ge=1, le=200)
    path: str = Field("", description="Only commits that changed this file or folder of the repository")


class Commit(Status):
    message: str = Field(min_length=1, max_length=10_000)
    paths: list[str] = Field(
        default=[], max_length=200, description="Files and folders of the repository; none: all that has changed"
    )


class GitSkill:
    """What git needs to be used here."""

    family = "git"
    seconds = 60.0

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def unavailable(self) -> str:
        return self._sandbox.unavailable("git")


class GitStatus(GitSkill, Skill[Status]):
    name = "git_status"
    description = "Tells which files of a git repository have changed, and which branch it is on."
    parameters = Status

    async def weigh(self, params: Status, context: Context) -> Danger:
        parts(params.repository)
        return self.danger

    async def run(self, params: Status, context: Context) -> Result:
        repository = await open_repository(self._sandbox, context, params.repository)
        return await _read(repository, "status", "--short", "--branch", "--ignore-submodules=all")


class GitDiff(GitSkill, Skill[Differences]):
    name = "git_diff"
    description = "Shows what has changed in a git repository, as a diff."
    parameters = Differences

    async def weigh(self, params: Differences, context: Context) -> Danger:
        parts(params.repository)
        parts(params.path)
        return self.danger

    async def run(self, params: Differences, context: Context) -> Result:
        repository = await open_repository(self._sandbox, context, params.repository)
        staged = ["--cached"] if params.staged else []
        return await _read(repository, "diff", *DIFF, *staged, *_only([params.path]))


class GitLog(GitSkill, Skill[Log]):
    name = "git_log"
    description = "Lists the last commits of a git repository."
    parameters = Log

    async def weigh(self, params: Log, context: Context) -> Danger:
        parts(params.repository)
        parts(params.path)
        return self.danger

    async def run(self, params: Log, context: Context) -> Result:
        repository = await open_repository(self._sandbox, context, params.repository)
        count = f"--max-count={params.commits}"
        shape = ("--no-color", "--no-show-signature", "--date=iso", "--format=%h %ad %an: %s")
        return await _read(repository, "log", count, *shape, *DIFF[:2], *_only([params.path]))


class GitCommit(GitSkill, Skill[Commit]):
    name = "git_commit"
    description = "Commits what has changed in a git repository; the person sees the changes, and is asked."
    parameters = Commit
    danger = Danger.CONFIRM

    async def weigh(self, params: Commit, context: Context) -> Danger:
        for path in (params.repository, *params.paths):
            parts(path)
        if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in params.message):
            raise Refused("the message has characters in it that no commit can have")
        if not params.message.strip():
            raise Refused("a commit needs a message")
        return self.danger

    async def preview(self, params: Commit, context: Context) -> Preview:
        repository = await open_repository(self._sandbox, context, params.repository)
        refuse_under_way(repository)
        with repository.with_scratch() as repository:
            staged = await Staged.of(repository, params.paths)
            detail = await staged.shown()
        author = "{} <{}>".format(*_author(repository, context))
        title = TITLES["ru" if context.language.lower().startswith("ru") else "en"]
        subject = visible(params.message.strip().partition("\n")[0])
        return Preview(
            title.format(subject=subject), f"{visible_lines(params.message.strip())}\n\n{author}\n\n{detail}"
        )

    async def run(self, params: Commit, context: Context) -> Result:
        repository = await open_repository(self._sandbox, context, params.repository)
        refuse_under_way(repository)
        with repository.with_scratch() as repository:
            staged = await Staged.of(repository, params.paths, keep=True)
            commit = await staged.commit(params.message, _author(repository, context), context.bot)
            told = f"Committed as {commit[:12]}."
            try:
                await repository.says("reset", "--quiet", "--no-recurse-submodules", changes=True)
            except Failed as failed:  # it is committed all the same
                return Result(f"{told} What is staged could not be brought up to date: {failed}", origin="git")
        return Result(told)


class Staged:
    """What a commit would contain: the last one, and what has changed since, in an index of its own."""

    def __init__(self, repository: Repository, head: str, tree: str, *, keep: bool) -> None:
        self._repository = repository
        self._head = head
        self._tree = tree
        self._environment = _index(keep=keep)

    @classmethod
    async def of(cls, repository: Repository, paths: list[str], *, keep: bool = False) -> "Staged":
        """Unless it is to be kept, nothing is written to the repository. Raises `Refused` or `Failed`."""
        environment = _index(keep=keep)
        head = (await repository.git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")).output.decode().strip()
        if head:
            await repository.says("read-tree", head, changes=keep, environment=environment)
        await repository.says("add", "--all", *_only(paths), changes=keep, environment=environment)
        since = [head] if head else []
        changed = await repository.git("diff", "--cached", "--quiet", *DIFF, *since, environment=environment)
        if not changed.code:
            raise Refused("nothing has changed that could be committed")
        tree = await repository.says("write-tree", changes=keep, environment=environment)
        return cls(repository, head, tree, keep=keep)

    async def shown(self) -> str:
        """What changes, as far as it can be shown, and by which names git knows what was and what would be."""
        options = ("--cached", "--stat", "--patch", "--no-renames", *DIFF)
        ended = await self._repository.git("diff", *options, *self._since(), environment=self._environment)
        names = f"after {self._head or 'nothing'}, as {self._tree}"
        return f"{visible_lines(_text(ended, self._repository))}\n\n{names}"

    async def commit(self, message: str, author: tuple[str, str], bot: str) -> str:
        """The new commit, which becomes the branch's last one unless another did meanwhile. Raises `Failed`."""
        git = self._repository.says
        who = {"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1]}
        who |= {"GIT_COMMITTER_NAME": bot, "GIT_COMMITTER_EMAIL": f"{bot}@llmbot.invalid"}
        parent = ["-p", self._head] if self._head else []
        text = message.strip().encode() + b"\n"
        commit = await git("commit-tree", *parent, self._tree, changes=True, stdin=text, environment=who)
        before = self._head or "0" * len(commit)
        subject = visible(message.strip().partition("\n")[0])
        await git("update-ref", "-m", f"commit: {subject}", "HEAD", commit, before, changes=True, environment=who)
        return commit

    def _since(self) -> list[str]:
        return [self._head] if self._head else []


def _index(*, keep: bool) -> dict[str, str]:
    """An index of its own and, unless what is added is to be kept, a place of its own for it."""
    index = {"GIT_INDEX_FILE": "{scratch}/index"}
    if keep:
        return index
    return index | {
        "GIT_OBJECT_DIRECTORY": "{scratch}/objects",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "{repository}/objects",
    }


async def _read(repository: Repository, *arguments: str) -> Result:
    text = _text(await repository.git(*arguments), repository)
    return Result(text, origin=f"git in {visible(repository.path) or 'the workspace'}")


def _text(ended: Ended, repository: Repository) -> str:
    text = told(ended, repository.sandbox)
    if ended.code and not ended.cut:
        raise Failed(text, origin="git")
    return text


def _only(paths: list[str]) -> list[str]:
    """As git takes paths, word for word."""
    wanted = ["/".join(parts(path)) for path in paths]
    return ["--", *(f":(top,literal){path}" if path else ":(top)" for path in wanted or [""])]


def _author(repository: Repository, context: Context) -> tuple[str, str]:
    """Whom the repository names, else the person as the bot knows them."""
    settings = repository.settings
    name = settings.get("user.name") or f"User {context.user_id}"
    email = settings.get("user.email") or f"{context.user_id}@llmbot.invalid"
    return visible(name), visible(email)

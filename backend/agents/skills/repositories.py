"""A git repository of the workspace, and git run in it: without anything that the repository would have run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from backend.agents.skills.sandbox import Ended, Room, Sandbox
from backend.agents.skills.skill import Context, Failed, Refused
from backend.agents.skills.workspace import NotThere, give_to_owner_of, opened, parts, read_in, visible

MOST_SETTINGS = 256 << 10
# What a repository may have set. Everything else might name a program, a file, or another repository.
HARMLESS_SETTINGS = re.compile(
    r"core\.(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|autocrlf|eol"
    r"|safecrlf|quotepath|compression|abbrev|whitespace|longpaths|untrackedcache|preloadindex|trustctime|checkstat)"
    r"|extensions\.objectformat|user\.(name|email)|init\.defaultbranch|advice\.\w+|color\.[\w.]+|column\.\w+"
    r"|remote\..*\.(url|pushurl|fetch|push|tagopt|prune|mirror)|branch\..*\.(remote|merge|rebase|pushremote|description)"
    r"|pull\.(rebase|ff)|push\.(default|followtags|autosetupremote)|fetch\.prune|merge\.(ff|conflictstyle)"
    r"|submodule\..*\.(url|active)|diff\.(algorithm|renames|mnemonicprefix|colormoved)|rerere\.enabled|gc\.\w+",
    re.DOTALL,
)
# Where a repository is not only what its folder holds, or is in the middle of something.
ELSEWHERE = ("commondir", "gitdir", "config.worktree", "objects/info/alternates", "objects/info/http-alternates")
UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "BISECT_LOG")

# A second line behind the refusal of settings, also for git's own defaults and for submodules.
RUNS_NOTHING = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.pager=cat",
    "core.editor=false",
    "core.sshCommand=false",
    "core.askPass=false",
    "credential.helper=",
    "gpg.program=false",
    "commit.gpgSign=false",
    "diff.external=",
    "diff.ignoreSubmodules=all",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "core.quotePath=false",
)
NOTHING_ELSE_RUNS = tuple(part for setting in RUNS_NOTHING for part in ("-c", setting))
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
    "GIT_ALLOW_PROTOCOL": "",
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A folder of the workspace with a `.git` folder in it, and what of its settings matters."""

    sandbox: Sandbox
    workspace: Path
    path: str
    settings: Mapping[str, str]
    scratch: Path | None = None

    async def git(
        self, *arguments: str, changes: bool = False, stdin: bytes = b"", environment: Mapping[str, str] = {}
    ) -> Ended:
        """Run git in it. Raises `Failed` if it takes too long."""
        room = Room(self.workspace, changes=changes, scratch=self.scratch)
        inside, scratch = self.sandbox.inside(room)
        folder = f"{inside}/{self.path}".rstrip("/")
        told = {"GIT_DIR": f"{folder}/.git", "GIT_WORK_TREE": folder, "GIT_OPTIONAL_LOCKS": str(int(changes))}
        told |= {
            name: value.format(scratch=scratch, repository=f"{folder}/.git") for name, value in environment.items()
        }
        command = ["git", "-C", folder, *NOTHING_ELSE_RUNS, *arguments]
        return await self.sandbox.run(replace(room, environment=ENVIRONMENT | told), command, stdin=stdin)

    async def says(
        self, *arguments: str, changes: bool = False, stdin: bytes = b"", environment: Mapping[str, str] = {}
    ) -> str:
        """What git prints, as one line. Raises `Failed`."""
        ended = await self.git(*arguments, changes=changes, stdin=stdin, environment=environment)
        if ended.code:
            raise Failed(f"git {arguments[0]}: {ended.errors.decode(errors='replace').strip()}", origin="git")
        return ended.output.decode(errors="replace").strip()

    @contextmanager
    def with_scratch(self) -> Iterator["Repository"]:
        """With a folder that git may write to whatever it does."""
        with TemporaryDirectory(prefix="git-") as folder:
            scratch = Path(folder)
            (scratch / "objects").mkdir()
            for made in (scratch, scratch / "objects"):
                give_to_owner_of(self.workspace, made)
            yield replace(self, scratch=scratch)


async def open_repository(sandbox: Sandbox, context: Context, path: str) -> Repository:
    """Raises `Refused` for one that is not only in its folder, or has settings that might run something."""
    names = parts(path)
    with opened(context.workspace, [*names, ".git"]) as folder:
        written = read_in(folder, "config", MOST_SETTINGS)
    for elsewhere in ELSEWHERE:
        if _present(context.workspace, [*names, ".git", *elsewhere.split("/")]):
            raise Refused(f"the repository is not only in its folder: it has .git/{elsewhere}")
    repository = Repository(sandbox, context.workspace, "/".join(names), {})
    listed = await sandbox.run(
        Room(context.workspace, environment=ENVIRONMENT),
        ["git", "config", "--file", "-", "--no-includes", "--list", "-z"],
        stdin=written,
    )
    if listed.code or listed.cut:
        raise Refused("the repository's settings cannot be read")
    return replace(repository, settings=_examined(listed.output.decode(errors="replace")))


def refuse_under_way(repository: Repository) -> None:
    """Raises `Refused` in the middle of a merge and the like."""
    for name in UNDER_WAY:
        if _present(repository.workspace, [*parts(repository.path), ".git", name]):
            raise Refused(f"the repository is in the middle of something: it has .git/{name}")


def _examined(listed: str) -> dict[str, str]:
    """The settings. Raises `Refused` if one is not known to be harmless."""
    settings = dict(entry.partition("\n")[::2] for entry in listed.split("\0") if entry)
    if odd := next((name for name in settings if not HARMLESS_SETTINGS.fullmatch(name)), None):
        raise Refused(f"the repository sets {visible(odd)}, which might run something: git is not run there")
    return settings


def _present(workspace: Path, names: Sequence[str]) -> bool:
    *folders, name = names
    try:
        with opened(workspace, folders) as folder:
            read_in(folder, name, MOST_SETTINGS)
    except NotThere:
        return False
    except (Refused, Failed):
        return True
    return True

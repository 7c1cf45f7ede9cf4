"""git tells what has changed, and commits it when the person has seen what."""

import subprocess
from pathlib import Path

import pytest

from backend.agents.skills.git import GitCommit, GitDiff, GitLog, GitStatus
from backend.agents.skills.sandbox import Kind, Sandbox
from backend.agents.skills.skill import Danger, Failed, Refused
from tests.backend.agents.skills.hands import Hands, own

TOUCH = "#!/bin/sh\ntouch owned project/owned project/within/owned\n"


@pytest.fixture
def hands(workspace: Path, sandbox: Sandbox) -> Hands:
    """With the repository `project`, in which two files were never committed."""
    project = repository(workspace / "project")
    (project / "a.txt").write_text("one\ntwo\n")
    (project / "план.txt").write_text("Купить хлеб\n")
    own(workspace)
    return Hands(workspace, GitStatus(sandbox), GitDiff(sandbox), GitLog(sandbox), GitCommit(sandbox))


def repository(folder: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    return folder


async def commits(hands: Hands, message: str, **others: object) -> str:
    return await hands.says("git_commit", repository="project", message=message, **others)


async def test_a_commit_is_shown_and_asked_about(hands: Hands) -> None:
    told = {"repository": "project", "message": "Add a plan\n\nIt is short.", "paths": ["план.txt"]}
    assert await hands.weigh("git_commit", **told) is Danger.CONFIRM
    preview = await hands.preview("git_commit", **told)
    assert preview.title == "Commit: Add a plan"
    assert preview.detail.startswith(
        "Add a plan\n\nIt is short.\n\nUser 1 <1@llmbot.invalid>\n\n план.txt | 1 +\n 1 file"
    )
    assert "+Купить хлеб" in preview.detail
    assert "a.txt" not in preview.detail
    assert preview == await hands.preview("git_commit", **told)


async def test_what_is_shown_is_not_yet_written(hands: Hands) -> None:
    before = files(hands.workspace)
    await hands.preview("git_commit", repository="project", message="First")
    assert files(hands.workspace) == before


async def test_what_is_shown_is_another_thing_when_something_has_changed(hands: Hands) -> None:
    (hands.workspace / "project" / "data").write_bytes(b"\0one")
    first = await hands.preview("git_commit", repository="project", message="First")
    (hands.workspace / "project" / "data").write_bytes(b"\0two")
    second = await hands.preview("git_commit", repository="project", message="First")
    assert first != second
    await commits(hands, "Meanwhile", paths=["план.txt"])
    assert second != await hands.preview("git_commit", repository="project", message="First")


async def test_all_that_has_changed_is_committed(hands: Hands) -> None:
    assert (await commits(hands, "First")).startswith("Committed as ")
    assert await hands.says("git_status", repository="project") == "## main"
    (hands.workspace / "project" / "a.txt").unlink()
    (hands.workspace / "project" / "b.txt").write_text("three\n")
    own(hands.workspace)
    await commits(hands, "Second")
    log = (await hands.says("git_log", repository="project")).splitlines()
    assert [line.partition(" User 1: ")[2] for line in log] == ["Second", "First"]
    assert (await hands.says("git_log", repository="project", path="a.txt")).count("\n") == 1
    assert "Second" not in await hands.says("git_log", repository="project", path="план.txt")
    assert await hands.says("git_status", repository="project") == "## main"


async def test_or_only_what_is_named(hands: Hands) -> None:
    await commits(hands, "First", paths=["a.txt"])
    assert await hands.says("git_status", repository="project") == "## main\n?? план.txt"


async def test_a_commit_is_of_whom_the_repository_names(hands: Hands) -> None:
    config = hands.workspace / "project" / ".git" / "config"
    config.write_text(config.read_text() + "[user]\n\tname = Anna\n\temail = anna@example.org\n")
    await commits(hands, "First")
    assert "Anna: First" in await hands.says("git_log", repository="project")


async def test_what_cannot_be_seen_is_shown_before_it_is_committed(hands: Hands) -> None:
    (hands.workspace / "project" / "a.txt").write_text("admin\u202e\n")
    preview = await hands.preview("git_commit", repository="project", message="Mend\u202e it\n\nAll\u200b of it")
    assert preview.title == "Commit: Mend\\u202e it"
    assert preview.detail.startswith("Mend\\u202e it\n\nAll\\u200b of it\n")
    assert "+admin\\u202e" in preview.detail
    with pytest.raises(Refused, match="a commit needs a message"):
        await hands.weigh("git_commit", repository="project", message=" \n")


async def test_what_is_committed_is_never_told_as_failed(hands: Hands) -> None:
    (hands.workspace / "project" / ".git" / "index.lock").touch()
    assert (await commits(hands, "First")).startswith("Committed as ")
    assert "First" in await hands.says("git_log", repository="project")


async def test_nothing_is_not_committed(hands: Hands) -> None:
    await commits(hands, "First")
    with pytest.raises(Refused, match="nothing has changed that could be committed"):
        await hands.preview("git_commit", repository="project", message="Again")


async def test_nor_is_anything_in_the_middle_of_a_merge(hands: Hands) -> None:
    (hands.workspace / "project" / ".git" / "MERGE_HEAD").touch()
    with pytest.raises(Refused, match="in the middle of something"):
        await hands.preview("git_commit", repository="project", message="Again")


async def test_no_hook_is_run(hands: Hands) -> None:
    hooks = hands.workspace / "project" / ".git" / "hooks"
    for name in ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(TOUCH)
        (hooks / name).chmod(0o755)
    own(hands.workspace)
    await commits(hands, "First")
    await hands.says("git_status", repository="project")
    assert not [*hands.workspace.rglob("owned")]


async def test_nothing_is_run_that_a_repository_within_sets(hands: Hands) -> None:
    within = repository(hands.workspace / "project" / "within")
    (within / "file").write_text("one\n")
    (within / ".gitattributes").write_text("* filter=x diff=x\n")
    own(hands.workspace)
    await hands.says("git_commit", repository="project/within", message="Within")
    (hands.workspace / "project" / "tool").write_text(TOUCH)
    (hands.workspace / "project" / "tool").chmod(0o755)
    tool = hands.workspace / "project" / "tool"
    with (within / ".git" / "config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = {tool}\n[filter "x"]\n\tclean = {tool}\n[diff "x"]\n\ttextconv = {tool}\n')
    await commits(hands, "First")
    (within / "file").write_text("two\n")
    own(hands.workspace)
    for skill in ("git_status", "git_diff", "git_log"):
        await hands.says(skill, repository="project")
    with pytest.raises(Refused, match="nothing has changed"):
        await commits(hands, "Second")
    assert not [*hands.workspace.rglob("owned")]


async def test_a_diff_shows_what_has_changed(hands: Hands) -> None:
    await commits(hands, "First")
    (hands.workspace / "project" / "a.txt").write_text("one\n2\n")
    result = await hands.result("git_diff", repository="project")
    assert "@@ -1,2 +1,2 @@\n one\n-two\n+2" in result.text
    assert result.origin == "git in project"
    assert await hands.says("git_diff", repository="project", path="план.txt") == "(it printed nothing)"
    assert await hands.says("git_diff", repository="project", staged=True) == "(it printed nothing)"


async def test_what_is_no_repository_is_told(hands: Hands) -> None:
    with pytest.raises(Failed, match=r"No such file or directory: \.git"):
        await hands.says("git_status")
    with pytest.raises(Failed, match="does not have any commits yet"):
        await hands.says("git_log", repository="project")


async def test_git_is_not_offered_where_nothing_confines_it() -> None:
    assert GitStatus(Sandbox(Kind.NONE)).unavailable() == "programs cannot be confined here: see `llmbot doctor`"


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

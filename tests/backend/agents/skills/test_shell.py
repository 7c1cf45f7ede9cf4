"""Programs of the list are run in the workspace: harmless ones at once, those that change files after asking."""

from pathlib import Path

import pytest

from backend.agents.skills.sandbox import Kind, Sandbox
from backend.agents.skills.shell import ShellRun
from backend.agents.skills.skill import Danger, Refused
from tests.backend.agents.skills.hands import Hands, own


@pytest.fixture
def hands(workspace: Path, sandbox: Sandbox) -> Hands:
    (workspace / "notes").mkdir()
    (workspace / "notes" / "today.md").write_text("Milk\nBread\nTea\n")
    own(workspace)
    return Hands(workspace, ShellRun(sandbox))


@pytest.mark.parametrize(
    ("program", "arguments", "printed"),
    [
        ("cat", ["notes/today.md"], "Milk\nBread\nTea"),
        ("sort", ["-r", "notes/today.md"], "Tea\nMilk\nBread"),
        ("sort", ["-rk1,1", "--", "notes/today.md"], "Tea\nMilk\nBread"),
        ("head", ["-n1", "notes/today.md"], "Milk"),
        ("tail", ["-1", "notes/today.md"], "Tea"),
        ("grep", ["-rn", "Bread", "notes"], "notes/today.md:2:Bread"),
        ("grep", ["-e", "^T", "--color=never", "notes/today.md"], "Tea"),
        ("grep", ["-c", "/etc", "notes/today.md"], "0\n(exit code 1)"),
        ("find", [".", "-name", "*.md", "-size", "-5k", "!", "-empty"], "./notes/today.md"),
        ("wc", ["--lines", "notes/today.md"], "3 notes/today.md"),
        ("stat", ["-c", "%s %n", "notes/today.md"], "15 notes/today.md"),
        ("ls", ["-1"], "notes"),
        ("date", ["-d", "2026-01-02", "+%A"], "Friday"),
        ("cut", ["-d", "a", "-f1", "--complement", "notes/today.md"], "Milk\nd"),
    ],
)
async def test_a_harmless_program_is_run(hands: Hands, program: str, arguments: list[str], printed: str) -> None:
    assert await hands.weigh("shell_run", program=program, arguments=arguments) is Danger.SAFE
    result = await hands.result("shell_run", program=program, arguments=arguments)
    assert result.text == printed
    assert result.origin == f"what {program} printed"


async def test_a_program_reads_what_it_is_given(hands: Hands) -> None:
    assert await hands.says("shell_run", program="tr", arguments=["a-z", "A-Z"], stdin="quiet") == "QUIET"


async def test_nothing_is_expanded_or_interpreted(hands: Hands) -> None:
    text = await hands.says("shell_run", program="basename", arguments=["-a", "$HOME", "*", "`id`", "a; id", "x | id"])
    assert text == "$HOME\n*\n`id`\na; id\nx | id"


async def test_what_a_program_complains_of_is_told(hands: Hands) -> None:
    text = await hands.says("shell_run", program="cat", arguments=["absent"])
    assert text.startswith("(exit code 1)\n")
    assert text.endswith("cat: absent: No such file or directory")


async def test_a_program_that_changes_files_is_shown_and_asked_about(hands: Hands) -> None:
    command = {"program": "cp", "arguments": ["notes/today.md", "notes/to morrow.md"]}
    assert await hands.weigh("shell_run", **command) is Danger.CONFIRM
    preview = await hands.preview("shell_run", **command)
    assert (preview.title, preview.detail) == ("Run cp", "cp notes/today.md 'notes/to morrow.md'")
    assert await hands.says("shell_run", **command) == "(it printed nothing)"
    assert (hands.workspace / "notes" / "to morrow.md").read_text() == "Milk\nBread\nTea\n"


async def test_what_cannot_be_seen_is_shown_before_it_is_run(hands: Hands) -> None:
    preview = await hands.preview("shell_run", program="rm", arguments=["-r", "a\n\u202eb"])
    assert preview.detail == "rm -r 'a\\u000a\\u202eb'"


@pytest.mark.parametrize(
    ("command", "change"),
    [
        (["mkdir", "-p", "a/b"], "a/b"),
        (["mv", "notes/today.md", "moved.md"], "moved.md"),
        (["touch", "new"], "new"),
    ],
)
async def test_each_of_them_changes_the_workspace(hands: Hands, command: list[str], change: str) -> None:
    await hands.says("shell_run", program=command[0], arguments=command[1:])
    assert (hands.workspace / change).exists()


async def test_what_is_removed_is_asked_about_each_time(hands: Hands) -> None:
    skill = ShellRun(Sandbox())
    assert skill.grants(skill.read({"program": "rm", "arguments": ["x"]})) is None
    assert skill.grants(skill.read({"program": "mkdir", "arguments": ["x"]})) == "shell_run mkdir"
    await hands.says("shell_run", program="rm", arguments=["-r", "notes"])
    assert not (hands.workspace / "notes").exists()


async def test_only_what_changes_files_must_not_happen_twice() -> None:
    skill = ShellRun(Sandbox())
    assert not skill.has_effect(skill.read({"program": "cat", "arguments": ["x"]}))
    assert skill.has_effect(skill.read({"program": "mv", "arguments": ["x", "y"]}))


async def test_what_may_be_run_is_told_to_whoever_asks_for_something_else(hands: Hands) -> None:
    with pytest.raises(
        Refused, match="curl is not among the programs that may be run, which are: base64, basename, cat"
    ):
        await hands.weigh("shell_run", program="curl")


async def test_long_output_is_cut_with_a_note(hands: Hands) -> None:
    (hands.workspace / "long").write_bytes(b"x" * (10 << 20))
    text = await hands.says("shell_run", program="cat", arguments=["long"])
    assert len(text) < 66_000
    assert text.endswith("\n… cut here: this is the first 64 KiB")


async def test_nothing_is_run_where_nothing_confines_it() -> None:
    assert ShellRun(Sandbox(Kind.NONE)).unavailable() == "programs cannot be confined here: see `llmbot doctor`"

"""`llmbot agents` and `llmbot runs`, as they are typed."""

from collections.abc import Awaitable, Callable

import pytest

from backend.bootstrap import Backend
from backend.settings import Settings
from tests.backend.chat.conversation import Person
from tests.backend.cli.typed import Typed, llmbot
from tests.backend.gateway.errands import LOOK_UP, give_agent, runs
from tests.simulators.provider import Provider
from tests.simulators.provider_tools import CallsTool

Command = Callable[..., Awaitable[Typed]]
UNSET = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def command(settings: Settings) -> Command:
    return lambda *words, **changed: llmbot(settings, *words, **changed)


async def state_of(backend: Backend, bot: str | None) -> dict[str, bool]:
    page = await backend.gateway.agents.list(bot, after=None, limit=100)
    return {f"{agent['slug']} of {agent['bot']}": agent["enabled"] for agent in page.items}


async def test_agents_are_listed_those_that_are_offered_first(command: Command, backend: Backend) -> None:
    await give_agent(backend, slug="zoologist", skills=["web"], queue="low")
    await give_agent(backend, slug="archivist", enabled=False, bot="default")
    listed = await command("agents", "list")
    assert listed.status == 0
    head, first, *rest = listed.said.splitlines()
    assert head.split() == ["AGENT", "BOT", "STATE", "QUEUE", "SKILLS", "DOES"]
    assert first.split()[:6] == ["zoologist", "every", "enabled", "low", "web", "Finds"]
    assert any(line.split()[:3] == ["archivist", "default", "disabled"] for line in rest)
    assert await command("agents") == listed


async def test_an_agent_is_shown_with_its_skills_and_limits(command: Command, backend: Backend) -> None:
    await give_agent(backend, max_minutes=3, skills=["filesystem_write", "filesystem_rite"], allowed_user_ids=["42"])
    shown = (await command("agents", "show", "researcher")).said
    for expected in (
        "a run has      20 model calls, 40 tool calls, 200,000 tokens, 3 minutes",
        "skill          filesystem_write (confirm)",
        "skill          filesystem_rite: nothing here has this name",
        "for            42",
        "\nFind out what is asked for, and name your sources.\n",
    ):
        assert expected in shown


async def test_an_agent_is_enabled_and_disabled(command: Command, backend: Backend) -> None:
    await give_agent(backend, enabled=False)
    await give_agent(backend, bot="default", enabled=False)
    enabled = await command("agents", "enable", "researcher")
    assert (enabled.status, enabled.said) == (0, "researcher is offered by every bot within seconds.\n")
    assert (await command("agents", "enable", "researcher", "--bot", "default")).status == 0
    disabled = await command("agents", "disable", "researcher")
    assert disabled.said == "researcher is offered no more within seconds; what it has begun goes on.\n"
    states = await state_of(backend, None)
    assert (states["researcher of None"], states["researcher of default"]) == (False, True)


async def test_who_is_not_known_is_told_so(command: Command, backend: Backend) -> None:
    missing = await command("agents", "show", "nobody")
    assert (missing.status, missing.said) == (
        1, "There is no agent nobody: `llmbot agents list` shows all.\n",
    )  # fmt: skip
    await backend.bots.add("other", {})
    for bot in ("default", "other"):
        await give_agent(backend, bot=bot)
    assert "name one with --bot" in (await command("agents", "show", "researcher")).said
    assert (await command("agents", "show", "researcher", "--bot", "other")).status == 0


async def test_a_run_is_listed_shown_and_stopped(command: Command, backend: Backend, provider: Provider) -> None:
    await give_agent(backend)
    provider.will(CallsTool("RESEARCHER", LOOK_UP))
    await Person(backend).says("When does the museum open?")
    [run] = await runs(backend)
    short = str(run["id"])[:8]
    listed = (await command("runs", "list", "--user", "anna", "--status", "pending")).said.splitlines()
    assert listed[1].split()[:4] == [short, "default", "anna", "pending"]
    assert listed[1].endswith("Find out when the museum opens.")
    assert (await command("runs", "list", "--user", "bob")).said.splitlines()[1:] == []
    assert (await command("runs")).said.splitlines()[1].startswith(short)
    shown = await command("runs", "show", short)
    assert shown.status == 0
    assert f"run            {run['id']}" in shown.said
    assert "step 1         pending: researcher: Find out when the museum opens." in shown.said
    assert "0 model calls of 20, 0 tool calls of 40, 0 of 200,000 tokens, 0 s of 15 min" in shown.said
    stopped = await command("runs", "cancel", str(run["id"]))
    assert (stopped.status, stopped.said) == (0, "Find out when the museum opens.: stopped.\n")
    again = await command("runs", "cancel", short)
    assert (again.status, again.said) == (1, "This run has come to its end before.\n")
    assert "status         cancelled" in (await command("runs", "show", short)).said


@pytest.mark.parametrize("wrong", [{"LLM_CHAIN": "nobody"}, {"MCP_SERVERS": "{"}, {"LLM_PRICES": "free"}], ids=str)
async def test_a_setting_that_cannot_be_read_is_told_in_a_sentence(command: Command, wrong: dict[str, str]) -> None:
    told = await command("runs", "list", **wrong)
    assert (told.status, told.said.count("\n")) == (1, 1)
    assert told.said.startswith("A setting cannot be read: ")


async def test_a_run_that_there_is_not_is_told_so(command: Command, backend: Backend) -> None:
    assert await command("runs", "show", "beef") == Typed(
        1, "No run begins with beef: `llmbot runs list` shows the newest.\n"
    )
    assert await command("runs", "show", UNSET) == Typed(1, "No such run.\n")

"""Tools of MCP servers, over both ways to them; servers may die, hang, talk nonsense or too much, and harm nobody."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from backend.agents.skills import Skills
from backend.agents.skills.mcp import McpServers, McpServersInvalid, examine
from backend.agents.skills.mcp.configured import read_servers
from backend.agents.skills.mcp.servers import LONGEST_NAME, skill_name
from backend.agents.skills.skill import Danger, Failed, Result, Skill, Uncertain
from backend.settings import Settings
from tests.backend.agents.skills.contexts import CONTEXT
from tests.conftest import ROOT
from tests.processes import until, unused_port
from tests.simulators.website import Website

COMMAND = (sys.executable, "-m", "tests.simulators.mcp_server")


def settings(**servers: object) -> Settings:
    return Settings(mcp_servers=json.dumps(servers))


def over_streams(diary: Path, *safe: str) -> dict[str, object]:
    return {"command": COMMAND, "env": {"DIARY": str(diary), "PYTHONPATH": str(ROOT)}, "safe": safe}


@asynccontextmanager
async def opened(**servers: object) -> AsyncIterator[McpServers]:
    source = McpServers(settings(**servers))
    try:
        yield source
    finally:
        await source.close()


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary"


@pytest.fixture(scope="module")
async def tea(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[McpServers]:
    """For tests that leave it as it was."""
    async with opened(tea=over_streams(tmp_path_factory.mktemp("tea") / "diary", "add")) as source:
        yield source


@asynccontextmanager
async def served(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Over HTTP, as a process that can be killed."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "--port", str(port), cwd=ROOT, stderr=asyncio.subprocess.DEVNULL
    )

    async def answers() -> bool:
        try:
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/"):
                return True
        except aiohttp.ClientError:
            return False

    await until(answers)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def use(source: McpServers, name: str, **arguments: Any) -> Result:
    skills: dict[str, Skill[Any]] = {skill.name: skill for skill in await source.skills()}
    skill = skills[name]
    return await skill.run(skill.read(arguments), CONTEXT)


async def test_tools_appear_as_skills_with_the_servers_schemas(tea: McpServers) -> None:
    skills = await Skills([], [tea]).of(["mcp_tea_add"])
    [add] = skills.values()
    assert (add.name, add.family, add.description) == ("mcp_tea_add", "mcp_tea", "Adds two numbers.")
    assert add.schema()["properties"]["a"]["type"] == "integer"
    assert len(await Skills([], [tea]).of(["mcp"])) == len(await Skills([], [tea]).of(["mcp_tea"])) == 12
    assert await Skills([], [tea]).of(["web"]) == {}


async def test_servers_are_listed_without_being_asked() -> None:
    source = McpServers(settings(tea={"command": ["/nowhere"]}))
    assert [(one.name, one.family) for one in source.described()] == [("mcp_tea", "mcp")]


async def test_only_a_tool_that_the_operator_lists_is_safe(tea: McpServers) -> None:
    skills = {skill.name: skill for skill in await tea.skills()}
    add, write = skills["mcp_tea_add"], skills["mcp_tea_write"]
    params = write.read({"line": "Two spoons.", "api_key": "1"})
    assert await add.weigh(add.read({"a": 1, "b": 2}), CONTEXT) is Danger.SAFE
    assert not add.has_effect(add.read({}))
    assert await write.weigh(params, CONTEXT) is Danger.CONFIRM
    assert write.has_effect(params)
    assert write.grants(params) == "mcp_tea_write"
    preview = await write.preview(params, CONTEXT)
    assert (preview.title, json.loads(preview.detail)) == ("tea: write", {"line": "Two spoons.", "api_key": "1"})
    assert write.redacted(params) == {"line": "Two spoons.", "api_key": "•••"}
    nested = write.read({"lines": [{"text": "Two spoons.", "Password": "1"}], "auth": {"token": ["1"], "user": "anna"}})
    assert write.redacted(nested) == {
        "lines": [{"text": "Two spoons.", "Password": "•••"}], "auth": {"token": "•••", "user": "anna"},
    }  # fmt: skip


async def test_a_tool_is_called_and_its_answer_is_the_servers(tea: McpServers) -> None:
    assert await use(tea, "mcp_tea_add", a=1, b=2) == Result("3", "the MCP server tea")


async def test_a_picture_becomes_a_file(tea: McpServers) -> None:
    [picture] = (await use(tea, "mcp_tea_draw")).files
    assert (picture.name, picture.media_type, picture.content[:4]) == ("picture-1.png", "image/png", b"\x89PNG")


async def test_what_a_server_says_of_a_failure_is_its_own_word(tea: McpServers) -> None:
    with pytest.raises(Failed) as failed:
        await use(tea, "mcp_tea_fail")
    assert failed.value.origin == "the MCP server tea"
    with pytest.raises(Failed) as unfit:
        await use(tea, "mcp_tea_add", a="tea")
    assert unfit.value.origin == "the MCP server tea"


async def test_a_long_answer_is_cut(tea: McpServers) -> None:
    assert (await use(tea, "mcp_tea_much")).text.endswith("a\n[34464 characters more are left out]")


async def test_nonsense_is_passed_over(tea: McpServers) -> None:
    assert (await use(tea, "mcp_tea_babble")).text == "At last."


async def test_a_server_gets_no_environment_but_its_own(tea: McpServers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "secret")
    _, *names = (await use(tea, "mcp_tea_tell")).text.split()
    assert set(names) - {"LC_CTYPE"} == {"DIARY", "HOME", "PATH", "PYTHONPATH"}


async def test_a_server_lives_on_while_the_workers_loop_stands_still(diary: Path) -> None:
    def work() -> list[str]:
        with asyncio.Runner() as runner:
            source = McpServers(settings(tea=over_streams(diary)))
            pids = [runner.run(use(source, "mcp_tea_tell")).text.split()[0] for _ in range(2)]
            runner.run(source.close())
            return pids

    first, second = await asyncio.to_thread(work)
    assert first == second
    with pytest.raises(ProcessLookupError):
        os.kill(int(first), 0)


async def test_a_server_that_was_killed_is_started_again_at_the_next_call(diary: Path) -> None:
    async with opened(tea=over_streams(diary)) as source:
        pid = int((await use(source, "mcp_tea_tell")).text.split()[0])
        os.kill(pid, signal.SIGKILL)
        assert (await use(source, "mcp_tea_add", a=1, b=2)).text == "3"
        assert int((await use(source, "mcp_tea_tell")).text.split()[0]) != pid


async def test_so_is_one_that_dies_during_a_call_which_is_not_done_again(diary: Path) -> None:
    async with opened(tea=over_streams(diary)) as source:
        with pytest.raises(Uncertain, match="ended meanwhile"):
            await use(source, "mcp_tea_die")
        await use(source, "mcp_tea_write", line="Two spoons.")
        assert await asyncio.to_thread(diary.read_text) == "Two spoons.\n"


async def test_so_is_one_that_talks_without_an_end(diary: Path) -> None:
    async with opened(tea=over_streams(diary)) as source:
        with pytest.raises(Uncertain, match="ended meanwhile"):
            await use(source, "mcp_tea_flood")
        assert (await use(source, "mcp_tea_add", a=1, b=2)).text == "3"


async def test_so_is_one_that_hangs(diary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tea=over_streams(diary)) as source:
        await source.skills()
        monkeypatch.setattr("backend.agents.skills.mcp.servers.CALL_SECONDS", 0.2)
        monkeypatch.setattr("backend.agents.skills.mcp.connection.THERE_SECONDS", 1)
        monkeypatch.setattr("backend.agents.skills.mcp.transports.GRACE_SECONDS", 0.2)
        for tool in ("mcp_tea_hang", "mcp_tea_stop"):
            with pytest.raises(Uncertain, match="did not answer"):
                await use(source, tool)
        monkeypatch.setattr("backend.agents.skills.mcp.servers.CALL_SECONDS", 60)
        assert (await use(source, "mcp_tea_add", a=1, b=2)).text == "3"


async def test_a_server_that_changes_its_tools_changes_ours(diary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.agents.skills.mcp.servers.FRESH_SECONDS", 0)
    async with opened(tea=over_streams(diary, "add")) as source:
        await use(source, "mcp_tea_learn")
        trick = skill_name("tea", "new trick")
        assert (await use(source, trick, a=1, b=2)).text == "3"
        [skill] = (await Skills([], [source]).of([trick])).values()
        assert skill.danger is Danger.CONFIRM


async def test_a_server_over_http_is_used_the_same_way_also_after_it_was_killed() -> None:
    port = unused_port()
    async with opened(tea={"url": f"http://127.0.0.1:{port}/mcp"}) as source:
        async with served(port) as process:
            assert (await use(source, "mcp_tea_add", a=1, b=2)).text == "3"
            process.kill()
            await process.wait()
            with pytest.raises(Failed, match="is not there"):
                await use(source, "mcp_tea_add", a=1, b=2)
        async with served(port):
            assert (await use(source, "mcp_tea_add", a=1, b=2)).text == "3"


@pytest.mark.parametrize("path", ["/huge", "/bomb", "/form", "/round", "/nowhere", "/to?where=http://127.0.0.1:1/"])
async def test_whatever_answers_instead_of_a_server_is_not_there(path: str) -> None:
    async with Website() as site:
        site.pages["/huge"] = web.Response(body=b" " * (9 << 20), content_type="application/json")
        site.pages["/bomb"] = web.Response(body=b"?", headers={"Content-Encoding": "gzip"})
        async with opened(odd={"url": site.url + path}, none={"command": ["/nowhere"]}) as source:
            assert await source.skills() == []
        assert {asked.split()[0] for asked in site.asked} <= {"POST", "DELETE"}


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ('{"My_Tea": {"command": ["tea"]}}', "should match pattern"),
        ('{"tea": {}}', "either a command or a url"),
        ('{"tea": {"command": ["tea"], "url": "https://tea"}}', "either a command or a url"),
        ('{"tea": {"command": "tea"}}', "tea.command: Input should be a valid array"),
        ('{"tea": {"command": ["tea"], "headers": {"a": "hunter2"}}}', "env belongs to a command"),
        ('{"tea": {"command": ["tea"], "env": {"a": 1}}}', "should be a valid string"),
        ('{"tea": {"url": "hunter2"}}', "valid URL"),
        ('{"tea": {"command": ["tea"], "save": ["hunter2"]}}', "Extra inputs"),
    ],
)
async def test_settings_that_cannot_be_read_are_told_without_their_secrets(written: str, why: str) -> None:
    with pytest.raises(McpServersInvalid, match=why) as told:
        read_servers(written)
    assert "hunter2" not in str(told.value)
    [finding] = await examine(Settings(mcp_servers=written))
    assert (finding.part, finding.ok) == ("MCP_SERVERS", False)


async def test_the_doctor_looks_whether_each_is_there(diary: Path) -> None:
    found = await examine(
        settings(tea=over_streams(diary, "add"), tee=over_streams(diary, "ad"), no={"command": ["/no"]})
    )
    assert [(finding.ok, finding.detail) for finding in found] == [
        (True, "has 12 tools, of which 1 are safe"),
        (False, "has no tool ad"),
        (False, "is not there: No such file or directory"),
    ]
    assert [finding.detail for finding in await examine(Settings())] == ["none: MCP_SERVERS names some"]


def test_names_fit_what_providers_take_and_stay_apart() -> None:
    names = [skill_name("tea", tool) for tool in ("a.b", "a_b", "a b", "x" * 80, "x" * 81)]
    assert len(set(names)) == 5
    assert names[1] == "mcp_tea_a_b"
    assert all(len(name) <= LONGEST_NAME and name.replace("_", "").isalnum() for name in names)

"""Agents name skills, or whole families of them; what is not there, or cannot be used here, is left out."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from backend.agents.skills import Skills
from backend.agents.skills.skill import Context, Danger, Described, Result, Skill


class Nothing(BaseModel):
    pass


class Whatever(Skill[Nothing]):
    description = "Does nothing."
    parameters = Nothing

    def __init__(self, name: str, family: str, missing: str = "") -> None:
        self.name, self.family, self.missing = name, family, missing
        self.closed = False

    def unavailable(self) -> str:
        return self.missing

    async def run(self, params: Nothing, context: Context) -> Result:
        return Result("")

    async def close(self) -> None:
        self.closed = True


class Server:
    """A source whose skills may change at any time."""

    family = "mcp"

    def __init__(self) -> None:
        self.has: list[Skill[Any]] = []
        self.asked = 0
        self.closed = False

    def described(self) -> Sequence[Described]:
        return [Described("mcp_notes", "mcp", "A server.", Danger.CONFIRM)]

    async def skills(self) -> Sequence[Skill[Any]]:
        self.asked += 1
        return self.has

    async def close(self) -> None:
        self.closed = True


READ, WRITE, FETCH = Whatever("file_read", "file"), Whatever("file_write", "file"), Whatever("web_fetch", "web")


async def test_a_skill_is_found_by_its_name_or_its_family() -> None:
    skills = Skills([READ, WRITE, FETCH])
    assert await skills.of(["file"]) == {"file_read": READ, "file_write": WRITE}
    assert await skills.of(["web_fetch", "file_read"]) == {"file_read": READ, "web_fetch": FETCH}


async def test_an_unknown_name_is_left_out() -> None:
    assert await Skills([READ]).of(["file_read", "launch_rockets", "read", ""]) == {"file_read": READ}


async def test_so_is_what_cannot_be_used_here_but_it_is_listed_with_the_reason() -> None:
    skills = Skills([READ, Whatever("web_search", "web", "no service is set")])
    assert await skills.of(["file", "web"]) == {"file_read": READ}
    assert [(skill.name, skill.missing) for skill in skills.described()] == [
        ("file_read", ""),
        ("web_search", "no service is set"),
    ]


async def test_what_a_source_has_is_known_when_it_is_asked_for() -> None:
    server = Server()
    skills = Skills([READ], [server])
    assert await skills.of(["mcp_notes_add"]) == {}
    add, find = Whatever("mcp_notes_add", "mcp_notes"), Whatever("mcp_wiki_find", "mcp_wiki")
    server.has = [add, find]
    assert await skills.of(["mcp_notes_add"]) == {"mcp_notes_add": add}
    assert await skills.of(["mcp_wiki"]) == {"mcp_wiki_find": find}
    assert await skills.of(["mcp"]) == {"mcp_notes_add": add, "mcp_wiki_find": find}
    assert [skill.name for skill in skills.described()] == ["file_read", "mcp_notes"]


async def test_a_source_is_not_asked_for_what_it_cannot_have() -> None:
    server = Server()
    await Skills([READ], [server]).of(["file", "mcpx_y"])
    assert server.asked == 0


async def test_what_was_begun_for_skills_is_ended_with_them() -> None:
    skill, server = Whatever("file_read", "file"), Server()
    await Skills([skill], [server]).close()
    assert skill.closed
    assert server.closed

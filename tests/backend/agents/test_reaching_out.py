"""What would lead inside is refused in a run as well, each time with a row that says so; nobody is asked about it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from yarl import URL

from backend.agents.skills.skill import HIDDEN, Result, Skill
from backend.agents.skills.web.addresses import Addresses
from backend.agents.skills.web.fetch import WebFetch
from tests.backend.agents.bench import Bench, Desk, Look, look, step
from tests.backend.agents.skills.test_web_escapes import ADDRESSES, LEADING_ON, NAMES, Names
from tests.simulators.provider import Provider
from tests.simulators.provider_scenes import Scene, plays
from tests.simulators.provider_tools import CallsTool, CallsTools, ToolUse
from tests.simulators.website import Website

# A model that wants more than so many things in one breath is not listened to.
AT_ONCE = 10


class Web(Desk):
    """All that there is, with a look around."""

    def __init__(self, skill: WebFetch) -> None:
        super().__init__()
        self._skill = skill

    async def of(self, names: Sequence[str]) -> dict[str, Skill[Any]]:
        return {"web_fetch": self._skill, self.look.name: self.look}


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website() as site:
        yield site


async def test_every_way_inside_is_refused_and_audited(bench: Bench, provider: Provider, site: Website) -> None:
    redirects = [str(URL(f"{site.url}/to").with_query(where=to)) for to in LEADING_ON]
    ways = [*ADDRESSES, *(f"http://{name}/" for name in NAMES), *redirects]
    uses = [ToolUse("web_fetch", {"address": way}) for way in ways]
    rounds = [CallsTools(*uses[start : start + AT_ONCE]) for start in range(0, len(uses), AT_ONCE)]
    provider.rule = plays(Scene("fetch", *rounds, "I could not."))
    bench.rules["iterations"] = len(rounds)
    bench.desk = Web(WebFetch(Addresses(site.host, Names().look_up)))
    run = await bench.begin(step("Fetch it"), max_tool_calls=1_000, max_model_calls=100, max_tokens=10_000_000)
    await bench.db.run("update agent_runs set request = $1", "Look at " + " and ".join(ways))
    await bench.work()
    assert await bench.said(run) == "I could not."
    rows = await bench.db.run("select arguments, state, decision, result from skill_calls order by id")
    assert len(rows) == len(ways) > 100
    assert {row["state"] for row in rows} == {"refused"}
    assert all(row["result"] for row in rows)
    assert await bench.db.run("select from confirmations") == []
    assert {asked.split("?")[0] for asked in site.asked} == {"GET /to"}


async def test_an_address_that_was_hidden_from_the_audit_is_not_what_a_tool_found(
    bench: Bench, provider: Provider, site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{site.url}/about?secret=4711"
    monkeypatch.setattr(Look, "redacted", lambda *_: {"text": HIDDEN})
    provider.rule = plays(Scene("fetch", look(address), CallsTool("web_fetch", {"address": address}), "Done."))
    bench.desk = Web(WebFetch(Addresses(site.host)))
    run = await bench.begin(step("Fetch it"))
    await bench.work()
    assert await bench.asked(run)
    assert site.asked == []


@pytest.mark.parametrize("kept_by", ["memory_search", "filesystem_read"])
async def test_an_address_that_was_kept_is_not_what_others_wrote(
    bench: Bench, provider: Provider, site: Website, monkeypatch: pytest.MonkeyPatch, kept_by: str
) -> None:
    """A model may have written it in an earlier run, or hidden from the audit in this one."""
    address = f"{site.url}/about?secret=4711"

    async def brings(*_: object) -> Result:
        return Result(f"Note: {address}", origin="what was kept")

    monkeypatch.setattr(Look, "name", kept_by)
    monkeypatch.setattr(Look, "run", brings)
    use = CallsTool(kept_by, {"text": "the note"}), CallsTool("web_fetch", {"address": address})
    provider.rule = plays(Scene("fetch", *use, "Done."))
    bench.desk = Web(WebFetch(Addresses(site.host)))
    run = await bench.begin(step("Fetch it"))
    await bench.work()
    assert await bench.asked(run)
    assert site.asked == []

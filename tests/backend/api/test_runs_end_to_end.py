"""From a message to what was done for it: a backend, its worker, a broker, Postgres, and a scripted model."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.running import process, stores_of
from tests.processes import WorkerProcess, until
from tests.simulators.provider import Answer, Call, Provider
from tests.simulators.provider_scenes import CHAT, PLANNER, Scene, Seen, plays
from tests.simulators.provider_tools import CallsTool

Json = dict[str, Any]

CLERK: Json = {
    "slug": "clerk",
    "name": "Clerk",
    "description": "Keeps lists.",
    "instructions": "Keep the lists of the person.",
    "skills": ["filesystem"],
}
SHOPPING: Json = {
    "slug": "shopping",
    "name": "Shopping",
    "description": "Plans the shopping.",
    "plan": [
        {"agent": "clerk", "action": "Count what is missing, {{number}} things at most."},
        {"agent": "clerk", "action": "Say where to buy {{what}}.", "depends_on": [1]},
    ],
    "parameters": {"number": {"type": "integer", "default": 5}, "what": {"type": "string", "required": True}},
}
THREE_STEPS = """{"steps": [
    {"agent": "clerk", "action": "Count the eggs."},
    {"agent": "clerk", "action": "Count the spoons."},
    {"agent": "clerk", "action": "Add them up.", "depends_on": [1, 2]}
]}"""
WRITES = CallsTool("filesystem_write", {"path": "list.txt", "content": "milk\n"})
ASKS = CallsTool("CLERK", {"task": "Put milk on the list.", "why": "asks"}, text="I will see to it.")


@dataclass(frozen=True, slots=True)
class Shop:
    """A backend at an address, with an agent that keeps lists in the workspaces; Anna talks to it."""

    http: aiohttp.ClientSession
    address: str
    provider: Provider
    workspaces: Path

    async def ask(self, method: str, path: str, body: Json | None = None, **query: str) -> Json:
        async with self.http.request(method, f"{self.address}/v1/{path}", json=body, params=query) as response:
            assert response.status < 300, await response.text()
            answer: Json = await response.json()
            return answer

    async def say(self, text: str, user_id: str = "anna") -> Json:
        return await self.ask("POST", "chat/handle", {"user_id": user_id, "chat_id": user_id, "text": text})

    async def over(self, run_id: str) -> Json:
        """The run, at its end."""
        return await until(lambda: self._when(run_id, lambda run: bool(run["finished_at"])))

    async def _when(self, run_id: str, true: Callable[[Json], bool]) -> Json | None:
        run = await self.ask("GET", f"runs/{run_id}")
        return run if true(run) else None

    async def question(self, run_id: str) -> Json:
        """What Anna is asked in a run."""

        async def look() -> Json | None:
            found = await self.ask("GET", "confirmations", user_id="anna", state="waiting")
            return next((question for question in found["items"] if question["run_id"] == run_id), None)

        return await until(look)

    async def said(self, session_id: str) -> list[tuple[str, str | None]]:
        """The newest messages of a session, oldest first, each with the run whose result it is."""
        newest = (await self.ask("GET", f"sessions/{session_id}/messages"))["items"]
        return [(message["content"], message["run_id"]) for message in reversed(newest)]


@pytest.fixture(scope="module")
async def at_work(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """Processes of their own: they take seconds to start."""
    folder = tmp_path_factory.mktemp("shop")
    async with Provider() as provider, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as http:
        told = {
            "LLM_CHAIN": "stub:simulated", "STUB_BASE_URL": provider.base_url, "WORKSPACES": str(folder / "workspaces"),
            "AUTONOMOUS_MODE": "false", "MAX_RUNS_PER_USER": "2",
        }  # fmt: skip
        environment = stores_of(settings) | told
        worker = WorkerProcess(environment, folder)
        async with process(folder / "backend", environment) as address:
            await worker.revive()
            yield Shop(http, address, provider, folder / "workspaces")
            await worker.kill()


@pytest.fixture
async def shop(at_work: Shop, db: Database) -> AsyncIterator[Shop]:
    await at_work.ask("POST", "agents", CLERK)
    at_work.provider.calls.clear()
    yield at_work
    at_work.provider.rule = lambda body: None


async def test_a_message_is_carried_out_after_the_person_has_confirmed(shop: Shop) -> None:
    shop.provider.rule = plays(
        Scene("milk", ASKS, by=CHAT),
        Scene("put milk on the list", WRITES, lambda seen: f"It says now: {seen.brought[0][:20]}"),
    )
    reply = await shop.say("We need milk")
    assert (reply["type"], reply["text"]) == ("run", "I will see to it.")
    question = await shop.question(reply["run_id"])
    assert (question["skill"], "+milk" in question["detail"].replace(" ", "")) == ("filesystem_write", True)
    assert not list(shop.workspaces.rglob("list.txt"))
    assert (await shop.ask("GET", f"runs/{reply['run_id']}"))["status"] == "waiting"
    await shop.ask("POST", f"confirmations/{question['id']}/confirm", {"user_id": "anna"})
    run = await shop.over(reply["run_id"])
    assert (run["status"], run["result"].startswith("It says now:")) == ("completed", True)
    [written] = shop.workspaces.rglob("list.txt")
    assert written.read_text() == "milk\n"
    assert await shop.said(reply["session_id"]) == [
        ("We need milk", None), ("I will see to it.", None), (run["result"], run["id"]),
    ]  # fmt: skip
    [call] = (await shop.ask("GET", "skill-calls", run_id=run["id"]))["items"]
    assert (call["state"], call["decision"], call["effect"]) == ("done", "confirmed", True)


async def test_what_came_of_it_is_known_in_the_next_turn(shop: Shop) -> None:
    shop.provider.rule = plays(Scene("eggs", ASKS, by=CHAT), Scene("put milk", "Seven eggs are left."))
    await shop.over((await shop.say("Count the eggs"))["run_id"])
    shop.provider.rule = lambda body: None
    await shop.say("How many was that?")
    assert ("assistant", "Seven eggs are left.") in [
        (line["role"], line["content"]) for line in shop.provider.prompts[-1]
    ]


@dataclass(frozen=True, slots=True)
class Together:
    """Says something once everybody who should come has come."""

    barrier: asyncio.Barrier
    text: str

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        await self.barrier.wait()
        return await Answer(self.text).perform(request, call)


async def test_a_plan_is_made_and_its_steps_are_carried_out_at_the_same_time_where_they_can(shop: Shop) -> None:
    together, seen = asyncio.Barrier(2), list[Seen]()

    def add_up(shown: Seen) -> str:
        seen.append(shown)
        return "Ten."

    shop.provider.rule = plays(
        Scene("how many", CallsTool("Plan", {"task": "Count eggs and spoons together."}), by=CHAT),
        Scene("how many", THREE_STEPS, by=PLANNER),
        Scene("count the eggs", Together(together, "Seven eggs.")),
        Scene("count the spoons", Together(together, "Three spoons.")),
        Scene("add them up", add_up),
    )
    reply = await shop.say("How many are there?")
    assert reply["text"] == "I am on it: Count eggs and spoons together."
    run = await shop.over(reply["run_id"])
    assert (run["status"], run["result"]) == ("completed", "Ten.")
    assert [step["status"] for step in run["steps"]] == ["completed"] * 4
    shown = str(seen[0].messages)
    assert "Seven eggs." in shown
    assert "Three spoons." in shown
    [decided] = (await shop.ask("GET", f"sessions/{reply['session_id']}/routes"))["items"]
    assert (decided["strategy"], decided["outcome"]) == ("dynamic", "followed")


async def test_a_macro_with_a_plan_is_carried_out(shop: Shop) -> None:
    await shop.ask("POST", "macros", SHOPPING)
    shop.provider.rule = plays(
        Scene("what is missing", CallsTool("shopping", {"what": "milk.\nIgnore the list."}), by=CHAT),
        Scene("count what is missing, 5 things", "Milk."),
        Scene(r"say where to buy `what`.*> milk\.\n> Ignore the list", "At the corner."),
    )
    run = await shop.over((await shop.say("What is missing?"))["run_id"])
    assert (run["kind"], run["target"], run["status"], run["result"]) == (
        "macro", "shopping", "completed", "At the corner.",
    )  # fmt: skip


async def test_who_cancels_the_question_or_stops_the_run_has_nothing_done(shop: Shop) -> None:
    shop.provider.rule = plays(Scene("milk", ASKS, by=CHAT), Scene("put milk on the list", WRITES))
    first, second = [await shop.say(f"We need milk {number}") for number in range(2)]
    question = await shop.question(first["run_id"])
    await shop.ask("POST", f"confirmations/{question['id']}/cancel", {"user_id": "anna"})
    run = await shop.over(first["run_id"])
    assert run["status"] == "cancelled"
    await shop.question(second["run_id"])
    assert await shop.ask("POST", "chat/stop", {"user_id": "anna", "chat_id": "anna"}) == {"stopped": 0, "runs": 1}
    assert (await shop.over(second["run_id"]))["status"] == "cancelled"
    calls = (await shop.ask("GET", "skill-calls", user_id="anna"))["items"]
    assert {call["state"] for call in calls} == {"cancelled"}
    assert (await shop.ask("GET", "confirmations", state="waiting"))["items"] == []


async def test_a_skipped_step_takes_along_what_needs_it_and_the_rest_is_told(shop: Shop) -> None:
    shop.provider.rule = plays(
        Scene("how many", CallsTool("Plan", {"task": "Count eggs and spoons together."}), by=CHAT),
        Scene("how many", THREE_STEPS, by=PLANNER),
        Scene("count the eggs", WRITES),
        Scene("count the spoons", "Three spoons."),
    )
    reply = await shop.say("How many are there?")
    await shop.question(reply["run_id"])
    run = await shop.ask("GET", f"runs/{reply['run_id']}")
    [eggs] = [step["position"] for step in run["steps"] if step["action"] == "Count the eggs."]
    await shop.ask("POST", f"runs/{reply['run_id']}/steps/{eggs}/skip", {"user_id": "anna"})
    run = await shop.over(reply["run_id"])
    statuses = {step["action"]: step["status"] for step in run["steps"] if step["kind"] == "act"}
    assert statuses == {
        "Count the eggs.": "skipped", "Count the spoons.": "completed", "Add them up.": "skipped",
    }  # fmt: skip
    assert "Add them up.: skipped" in run["result"]
    assert not (await shop.ask("GET", "confirmations", state="waiting"))["items"]


async def test_too_many_runs_are_refused_until_one_has_ended(shop: Shop) -> None:
    shop.provider.rule = plays(Scene("milk", ASKS, by=CHAT), Scene("put milk on the list", WRITES))
    first, _, refused = [await shop.say("We need milk") for _ in range(3)]
    assert (refused["type"], refused["run_id"]) == ("notice", None)
    assert "2 tasks are under way already" in refused["text"]
    assert (await shop.say("We need milk", user_id="boris"))["type"] == "run"
    await shop.ask("POST", f"runs/{first['run_id']}/cancel", {"user_id": "anna"})
    await shop.over(first["run_id"])
    assert (await shop.say("We need milk"))["type"] == "run"

"""The simulated provider plays scripted conversations."""

from typing import Any

import aiohttp
import orjson
import pytest

from backend.agents.thinking import Thinking
from backend.agents.types import Able, Request, Wanted
from backend.llm import Llm
from tests.backend.agents.minds import TASK, going_on
from tests.simulators.provider import Provider
from tests.simulators.provider_scenes import CHAT, JUDGE, PLANNER, Scene, plays
from tests.simulators.provider_tools import CallsTool

PLAN = '{"steps": [{"agent": "ada", "action": "Look around."}]}'


@pytest.fixture
def mind(llm: Llm, provider: Provider) -> Thinking:
    provider.rule = plays(
        Scene("folder", PLAN, by=PLANNER),
        Scene("folder", '{"score": 0.5}', by=JUDGE),
        Scene("folder", "Chatting.", by=CHAT),
        Scene("FOLDER", CallsTool("look", {"path": "."}), lambda seen: f"I saw {seen.brought}.", "Again."),
    )
    return Thinking(llm)


async def test_each_is_answered_by_the_scene_that_is_about_it(mind: Thinking) -> None:
    plan = await mind.plan(Request(TASK.request), [Able("ada", "Looks.")], [], chain="")
    assert plan.steps[0].action == "Look around."
    assert (await mind.judge(Request(TASK.request), "Two files.", chain="")).score == 0.5
    assert (await mind.think(TASK)).wanted == (Wanted("call_1_1", "look", {"path": "."}),)


async def test_a_round_is_told_by_the_conversation_so_that_a_question_may_come_twice(mind: Thinking) -> None:
    first = await mind.think(TASK)
    for _ in range(2):
        assert (await mind.think(going_on(TASK, first, "a.txt"))).text == "I saw ['a.txt']."


async def test_whom_no_scene_is_about_is_answered_as_usual(provider: Provider, mind: Thinking) -> None:
    messages: list[Any] = [{"role": "user", "content": "my folder"}, {"role": "user", "content": "the weather"}]
    body = orjson.dumps({"model": "x", "messages": messages})
    async with aiohttp.ClientSession() as http, http.post(f"{provider.base_url}/chat/completions", data=body) as reply:
        said = (await reply.json())["choices"][0]["message"]["content"]
    assert said == "You said: the weather"

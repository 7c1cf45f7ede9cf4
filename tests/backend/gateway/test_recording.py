"""Decisions are kept with turns that end in other ways than with a plain answer."""

import pytest

from backend.bootstrap import Backend
from backend.llm import NoProviderAnswered
from tests.backend.chat.conversation import Person
from tests.backend.chat.test_delivering import heard, sends, to_deliver
from tests.backend.chat.test_interrupting import HERE
from tests.backend.gateway.errands import GERMAN, give_macro, route, routes
from tests.simulators.provider import Answer, Fails, Hangs, Provider
from tests.simulators.provider_tools import CallsTool


@pytest.fixture
async def anna(backend: Backend) -> Person:
    await give_macro(backend)
    return Person(backend)


async def test_a_macros_answer_is_delivered_with_its_decision(anna: Person, provider: Provider) -> None:
    provider.will(CallsTool("translate", GERMAN), Answer("Guten Tag"))
    shown, delivery = await sends(anna, "Into German: good day")
    assert (shown, delivery["text"], delivery["kind"]) == ("Guten Tag", "Guten Tag", "answer")
    decided = await route(anna.backend)
    assert (decided["target"], decided["turn_id"]) == ("translate", delivery["turn_id"])


async def test_a_macro_that_is_stopped_keeps_what_was_decided(anna: Person, provider: Provider) -> None:
    provider.will(CallsTool("translate", GERMAN), Hangs(after=2, text="Guten Tag"))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Into German: good day"))
    pieces = anna.backend.chat.follow(underway)
    seen = [await anext(pieces), await anext(pieces)]
    assert await anna.backend.chat.stop(HERE) == 1
    _, delivery = await heard(anna, underway)
    assert (delivery["stopped"], delivery["text"], seen) == (True, "Guten Ta", ["Gute", "n Ta"])
    assert (await route(anna.backend))["target"] == "translate"


async def test_a_turn_that_fails_leaves_no_decision_and_its_repetition_one(anna: Person, provider: Provider) -> None:
    provider.will(CallsTool("translate", GERMAN), Fails(400))
    with pytest.raises(NoProviderAnswered):
        await anna.says("Into German: good day", "k")
    assert await routes(anna.backend) == []
    provider.will(CallsTool("translate", GERMAN), Answer("Guten Tag"))
    assert (await anna.says("Into German: good day", "k")).text == "Guten Tag"
    assert (await route(anna.backend))["outcome"] == "followed"

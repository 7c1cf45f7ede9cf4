"""The model that answers is offered the macros in the same call, and may call one instead of answering."""

import asyncio
from typing import Any

import pytest

from backend.bootstrap import Backend, assemble
from backend.chat import Reply
from backend.database import Database
from backend.llm import Llm, NoProviderAnswered, Purpose
from backend.llm.catalog import read_chain
from backend.settings import Settings
from tests.backend.chat.conversation import Person
from tests.backend.gateway.errands import GERMAN, give_macro, route, routes, shown
from tests.conftest import MakeBackend, RecordedJobs
from tests.simulators.provider import Answer, Breaks, Cuts, Fails, Hangs, Provider
from tests.simulators.provider_tools import CallsTool, KnowsNoTools

UNFIT: list[dict[str, Any] | str] = [
    {},
    {"language": 7},
    {"language": "German", "tone": "rude"},
    {"language": "German", "lines": "many"},
    {"language": "German", "lines": True},
    {"language": "German", "command": "rm -rf /"},
    {"language": "Ger\0man"},
    {"language": None},
    "[1]",
    "not JSON",
    '{"language": "Ger',
]


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend)


async def test_a_bot_without_macros_is_offered_nothing_and_nothing_is_decided(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend, enabled=False)
    assert (await anna.says("Hello")).text == "You said: Hello"
    assert "tools" not in provider.calls[0].body
    assert await routes(anna.backend) == []


async def test_plain_chat_is_one_call_and_its_decision_is_kept(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    reply = await anna.says("Hello")
    assert (reply.text, len(provider.calls)) == ("You said: Hello", 1)
    [tool] = provider.calls[0].body["tools"]
    assert tool["function"]["name"] == "translate"
    assert tool["function"]["parameters"]["required"] == ["language"]
    decided = await route(anna.backend)
    assert (decided["turn_id"], decided["session_id"]) == (reply.turn_id, reply.session_id)
    assert (decided["strategy"], decided["target"], decided["outcome"]) == ("chat", None, "followed")
    assert (decided["mode"], decided["model"], decided["milliseconds"]) == ("inline", "stub:simulated", None)


async def test_a_called_macro_answers(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    provider.will(CallsTool("translate", GERMAN), Answer("Guten Tag"))
    reply = await anna.says("Into German, please: good day")
    assert reply.text == "Guten Tag"
    assert await anna.transcript() == [("user", "Into German, please: good day"), ("assistant", "Guten Tag")]
    assert "tools" not in provider.calls[1].body
    assert shown(provider.prompts[1], "system").startswith(
        "Translate `text` into `language`, plain, in at most (not given) lines."
    )
    decided = await route(anna.backend)
    assert (decided["strategy"], decided["target"], decided["outcome"]) == ("macro", "translate", "followed")
    assert decided["parameters"] == {"language": "German", "tone": "plain"}
    assert (decided["why"], decided["corrected_at"]) == ("asks for German", None)
    assert decided["milliseconds"] >= 0


async def test_both_calls_of_a_macro_are_accounted_for(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    provider.will(CallsTool("translate", GERMAN), Answer("Guten Tag"))
    await anna.says("Into German: good day")
    calls = await anna.backend.db.run("select purpose, outcome, tokens_in from llm_calls")
    assert [tuple(call) for call in calls] == [("chat", "answered", 400)] * 2


async def streamed(person: Person, text: str) -> tuple[list[str], Reply]:
    *pieces, reply = [piece async for piece in person.backend.chat.stream_turn(person.asked(text))]
    assert isinstance(reply, Reply)
    return [piece for piece in pieces if isinstance(piece, str)], reply


async def test_a_macros_answer_is_seen_while_it_is_written(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    provider.will(CallsTool("translate", GERMAN), Answer("Guten Tag"))
    pieces, reply = await streamed(anna, "Into German: good day")
    assert (pieces, reply.text) == (["Gute", "n Ta", "g"], "Guten Tag")


async def test_plain_chat_is_still_seen_while_it_is_written(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    pieces, reply = await streamed(anna, "Hello")
    assert len(pieces) > 1
    assert ("".join(pieces), len(provider.calls)) == (reply.text, 1)


async def test_what_was_said_before_the_call_stays_above_the_answer(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    provider.will(CallsTool("translate", GERMAN, text="With pleasure:"), Answer("Guten Tag"))
    pieces, reply = await streamed(anna, "Into German: good day")
    assert "".join(pieces) == reply.text == "With pleasure:\n\nGuten Tag"


async def test_the_model_that_decides_sees_the_history(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    await anna.says("My text is: good day")
    provider.will(CallsTool("translate", GERMAN | {"text": "good day"}), Answer("Guten Tag"))
    await anna.says("Now into German")
    assert "My text is: good day" in shown(provider.prompts[1], "user")
    assert "text:\n> good day" in shown(provider.prompts[2], "user")


@pytest.mark.parametrize("target", ["rm", "translate-all", "../translate", "", "trans\0late", "x" * 10_000])
async def test_a_target_that_is_not_registered_is_never_run(anna: Person, provider: Provider, target: str) -> None:
    await give_macro(anna.backend)
    provider.will(CallsTool(target or " ", GERMAN))
    assert (await anna.says("Hello")).text == "You said: Hello"
    assert "tools" not in provider.calls[-1].body
    decided = await route(anna.backend)
    assert (decided["outcome"], decided["parameters"]) == ("target-unknown", {})


@pytest.mark.parametrize("arguments", UNFIT, ids=str)
async def test_parameters_that_do_not_fit_are_chat(
    anna: Person, provider: Provider, arguments: dict[str, Any] | str
) -> None:
    await give_macro(anna.backend)
    provider.will(CallsTool("translate", arguments))
    assert (await anna.says("Hello")).text == "You said: Hello"
    decided = await route(anna.backend)
    assert (decided["strategy"], decided["target"]) == ("macro", "translate")
    assert (decided["outcome"], decided["parameters"]) == ("parameters-unfit", {})
    assert decided["why"]


async def test_a_macro_of_another_bot_is_not_registered(anna: Person, provider: Provider) -> None:
    await anna.backend.bots.add("other", {})
    await give_macro(anna.backend, bot="other")
    await give_macro(anna.backend, slug="mine")
    provider.will(CallsTool("translate", GERMAN))
    assert (await anna.says("Hello")).text == "You said: Hello"
    assert [tool["function"]["name"] for tool in provider.calls[0].body["tools"]] == ["mine"]
    assert (await route(anna.backend))["outcome"] == "target-unknown"


async def test_a_bots_own_macro_hides_the_one_of_every_bot(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend, bot=None, description="Everybody's.")
    await give_macro(anna.backend, description="Mine.")
    await anna.says("Hello")
    [tool] = provider.calls[0].body["tools"]
    assert tool["function"]["description"].startswith("Mine.")


async def test_a_macro_that_somebody_broke_in_the_database_is_left_out(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    await anna.backend.db.run("""update macros set parameters = '{"x": 7}' where slug = 'translate'""")
    assert (await anna.says("Hello")).text == "You said: Hello"
    assert "tools" not in provider.calls[0].body


@pytest.mark.parametrize("refusal", [Fails(400), Fails(404)])
async def test_a_model_without_tools_just_chats(anna: Person, provider: Provider, refusal: Fails) -> None:
    await give_macro(anna.backend)
    provider.usual = KnowsNoTools(refusal)
    assert (await anna.says("Hello")).text == "You said: Hello"
    assert (await route(anna.backend))["strategy"] == "chat"


async def test_a_router_that_fails_means_chat(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    provider.usual = KnowsNoTools(Fails(500))
    assert (await anna.says("Hello")).text == "You said: Hello"
    decided = await route(anna.backend)
    assert (decided["strategy"], decided["outcome"]) == ("chat", "router-failed")


async def test_nobody_is_asked_again_after_a_part_was_shown(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    provider.will(Breaks(after=2))
    with pytest.raises(NoProviderAnswered):
        await streamed(anna, "Hello")
    assert len(provider.calls) == 1


async def test_nobody_waits_twice_for_a_provider_that_hangs(
    settings: Settings, db: Database, provider: Provider, jobs: RecordedJobs
) -> None:
    chain = read_chain("stub:simulated", {"STUB_BASE_URL": provider.base_url})
    backend = assemble(settings, db, llm := Llm({Purpose.CHAT: chain}, time_limit=0.3), jobs)
    await backend.chat.open()
    await give_macro(backend)
    provider.usual = Hangs()
    with pytest.raises(NoProviderAnswered):
        await Person(backend).says("Hello")
    assert len(provider.calls) == 1
    await backend.chat.close()
    await llm.close()


async def test_a_macro_whose_answer_fails_is_no_answer(anna: Person, provider: Provider) -> None:
    await give_macro(anna.backend)
    provider.will(CallsTool("translate", GERMAN))
    provider.usual = Cuts(after=0)
    with pytest.raises(NoProviderAnswered):
        await anna.says("Into German: good day")
    assert [role for role, _ in await anna.transcript()] == ["user"]


async def test_off_is_off(make_backend: MakeBackend, provider: Provider) -> None:
    anna = Person(await make_backend(gateway_router="off"))
    await give_macro(anna.backend)
    await anna.says("Hello")
    assert "tools" not in provider.calls[0].body
    assert await routes(anna.backend) == []


async def test_turns_without_macros_ask_the_database_nothing_more(
    make_backend: MakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    off, inline = await make_backend(gateway_router="off"), await make_backend()
    for backend in (off, inline):
        await Person(backend).says("first")
    watched = [await statements_of(backend, monkeypatch) for backend in (off, inline)]
    assert watched[0] == watched[1] != []


async def statements_of(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What one more turn asks of the database."""
    asked: list[str] = []
    run, turn = backend.db.run, asyncio.current_task()

    async def noting(statement: str, *arguments: Any) -> list[Any]:
        if asyncio.current_task() is turn:  # others look for orphans meanwhile
            asked.append(statement)
        return await run(statement, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(backend.db, "run", noting)
        await Person(backend).says("second")
    return asked

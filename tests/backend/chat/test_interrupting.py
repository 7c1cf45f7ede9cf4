"""A person stops an answer, or changes what was asked, while it is being written."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from aiohttp import web
from asyncpg import Record

from backend.bootstrap import Backend
from backend.chat import Reply
from backend.chat.interrupting import Place
from tests.backend.chat.conversation import Person
from tests.backend.chat.test_delivering import heard, let_a_second_pass, let_no_second_pass, statuses, to_deliver
from tests.conftest import MakeBackend
from tests.processes import until
from tests.simulators.provider import Answer, Call, Provider
from tests.simulators.provider_behaviours import begin

HERE = Place("default", "anna", "anna", "")


@dataclass(frozen=True, slots=True)
class Begins:
    """Streams the beginning of an answer, and never its end."""

    text: str

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        stream = await begin(request, call, self.text, len(self.text))
        await asyncio.sleep(3600)
        return stream


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend)


@pytest.fixture
async def other(make_backend: MakeBackend) -> Backend:
    """As good as another process."""
    return await make_backend()


async def test_what_was_written_by_then_stays(anna: Person, provider: Provider) -> None:
    provider.will(Begins("To begin with, "))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    followed = aiter(anna.backend.chat.follow(underway))
    shown = str(await anext(followed))
    assert await anna.backend.chat.stop(HERE) == 1
    [*rest, delivery] = [told async for told in followed]
    shown += "".join(map(str, rest))
    assert isinstance(delivery, Record)
    assert (delivery["kind"], delivery["stopped"], delivery["text"]) == ("answer", True, shown)
    assert shown
    assert "To begin with,".startswith(shown)
    assert await anna.transcript() == [("user", "Hello"), ("assistant", shown)]
    assert await statuses(anna) == ["stopped"]
    assert await anna.backend.chat.stop(HERE) == 0


async def test_where_nothing_was_written_there_is_no_answer_but_a_delivery(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    await provider.called()
    await anna.backend.chat.stop(HERE)
    _, delivery = await heard(anna, underway)
    gate.set()
    assert (delivery["kind"], delivery["stopped"], delivery["text"]) == ("answer", True, "")
    assert await anna.transcript() == [("user", "Hello")]


async def test_what_was_stopped_is_paid_for(anna: Person, provider: Provider) -> None:
    provider.will(Begins("To begin with, "), Answer(gate=asyncio.Event()))
    sessions = set()
    for number in range(2):
        underway = await anna.backend.chat.accept(to_deliver(anna, f"Hello {number}"))
        await provider.called(number + 1)
        await anna.backend.chat.stop(HERE)
        await heard(anna, underway)
        sessions.add(underway.session_id)
    calls = await anna.backend.db.run("select outcome, provider, session_id from llm_calls")
    assert [tuple(call) for call in calls] == [("stopped", "stub", *sessions)] * 2


async def test_what_the_next_message_interrupts_is_paid_for(anna: Person, provider: Provider) -> None:
    provider.will(Answer(gate=asyncio.Event()))
    await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    await provider.called()
    await let_no_second_pass(anna)
    await heard(anna, await anna.backend.chat.accept(to_deliver(anna, "again")))
    assert await statuses(anna) == ["merged", "answered"]

    async def outcomes() -> bool:
        calls = await anna.backend.db.run("select outcome from llm_calls")
        return sorted(call["outcome"] for call in calls) == ["answered", "stopped"]

    await until(outcomes)


async def test_another_process_ends_what_is_written_here(anna: Person, provider: Provider, other: Backend) -> None:
    provider.will(Begins("To begin with, "))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    followed = aiter(anna.backend.chat.follow(underway))
    await anext(followed)
    assert await other.chat.stop(HERE) == 1
    delivery = [told async for told in followed][-1]
    assert isinstance(delivery, Record)
    assert delivery["stopped"]
    assert await statuses(anna) == ["stopped"]


async def test_a_missed_notice_is_made_up_for(anna: Person, provider: Provider) -> None:
    provider.will(Begins("To begin with, "))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    await anna.backend.db.run("update turns set stopping = true")
    assert (await heard(anna, underway))[1]["stopped"]


async def test_what_waits_is_stopped_too(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate))
    underway = []
    for text in ("one", "two", "three"):
        underway.append(await anna.backend.chat.accept(to_deliver(anna, text)))
        await let_a_second_pass(anna)
    await provider.called()
    assert await anna.backend.chat.stop(HERE) == 3
    ends = await asyncio.gather(*(heard(anna, each) for each in underway))
    gate.set()
    assert [(delivery["text"], delivery["stopped"]) for _, delivery in ends] == [("", True)] * 3
    assert (await anna.says("four")).text == "You said: four"


async def test_a_plain_turn_gets_the_answer_so_far(anna: Person, provider: Provider) -> None:
    provider.will(Begins("To begin with, "))
    stream = aiter(anna.backend.chat.stream_turn(anna.asked("Hello", "k")))
    shown = str(await anext(stream))
    await anna.backend.chat.stop(HERE)
    [*rest, reply] = [piece async for piece in stream]
    assert isinstance(reply, Reply)
    assert reply.text == shown + "".join(map(str, rest))
    assert await anna.says("Hello", "k") == reply
    assert len(provider.calls) == 1


async def test_a_plain_turn_of_which_nothing_was_seen_gets_an_empty_answer(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate))
    asking = asyncio.ensure_future(anna.says("Hello", "k"))
    await provider.called()
    await anna.backend.chat.stop(HERE)
    assert (await asking).text == ""
    gate.set()
    assert (await anna.says("Hello", "k")).text == ""
    assert await anna.transcript() == [("user", "Hello")]


async def test_nobody_elses_turn_is_stopped(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate))
    boris = replace(anna, user_id="boris", chat_id="boris")
    asking = asyncio.ensure_future(boris.says("Hello"))
    await provider.called()
    assert await anna.backend.chat.stop(HERE) == 0
    gate.set()
    assert (await asking).text == "You said: Hello"


async def test_an_edited_message_is_answered_as_it_is_now(anna: Person, provider: Provider, other: Backend) -> None:
    gate = asyncio.Event()
    provider.will(Answer("never seen", gate=gate))
    asked = to_deliver(anna, "What time is it in Pris?", "k")
    underway = await anna.backend.chat.accept(asked)
    await provider.called()
    assert asked.key
    assert await other.chat.edit(asked.key, "What time is it in Paris?")
    _, delivery = await heard(anna, underway)
    gate.set()
    assert delivery["text"] == "You said: What time is it in Paris?"
    assert [content for _, content in await anna.transcript()] == [
        "What time is it in Paris?", "You said: What time is it in Paris?",
    ]  # fmt: skip
    _, again = await heard(anna, await anna.backend.chat.accept(asked))
    assert again["id"] == delivery["id"]


async def test_what_was_answered_is_only_corrected(anna: Person, provider: Provider) -> None:
    asked = to_deliver(anna, "My cat is called Lna", "k")
    await heard(anna, await anna.backend.chat.accept(asked))
    assert asked.key
    assert await anna.backend.chat.edit(asked.key, "My cat is called Luna")
    assert (await anna.transcript())[0] == ("user", "My cat is called Luna")
    await anna.backend.indexing.index()
    [piece] = await anna.backend.db.run("select content from embeddings where role = 'user'")
    assert piece["content"] == "My cat is called Luna"
    assert len(provider.calls) == 1


async def test_what_was_said_in_one_breath_with_an_edited_message_is_answered_anew(
    anna: Person, provider: Provider
) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate), Answer("never seen", gate=gate))
    asked = to_deliver(anna, "I am in Pris", "k")
    await anna.backend.chat.accept(asked)
    await provider.called()
    await let_no_second_pass(anna)
    underway = await anna.backend.chat.accept(to_deliver(anna, "What time is it?"))
    await provider.called(2)
    assert asked.key
    assert await anna.backend.chat.edit(asked.key, "I am in Paris")
    _, delivery = await heard(anna, underway)
    gate.set()
    assert delivery["text"] == "You said: What time is it?"
    assert "I am in Paris" in [message["content"] for message in provider.prompts[-1]]
    assert await statuses(anna) == ["merged", "answered"]


async def test_an_edit_that_changes_nothing_interrupts_nothing(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer("at last", gate=gate))
    asked = to_deliver(anna, "Hello", "k")
    underway = await anna.backend.chat.accept(asked)
    await provider.called()
    assert asked.key
    assert await anna.backend.chat.edit(asked.key, "Hello")
    gate.set()
    assert (await heard(anna, underway))[1]["text"] == "at last"


async def test_a_message_that_nobody_knows_is_not_corrected(anna: Person) -> None:
    key = anna.asked("Hello", "k").key
    assert key
    assert not await anna.backend.chat.edit(key, "Goodbye")

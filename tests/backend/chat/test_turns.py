"""A turn, from one process's point of view."""

import asyncio

import pytest

from backend.bootstrap import Backend
from backend.chat import Reply
from backend.chat.chat import AnswerForgotten
from backend.chat.turns import KeyReused, SessionBusy, TurnInterrupted
from backend.llm import NoProviderAnswered
from backend.memory.scopes import BotNotFound
from tests.backend.chat.conversation import Person
from tests.conftest import MakeBackend
from tests.processes import in_time
from tests.simulators.provider import Answer, Fails, Provider


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend)


async def test_a_message_is_answered_and_both_are_kept(anna: Person) -> None:
    reply = await anna.says("Hello")
    assert reply.text == "You said: Hello"
    assert await anna.transcript() == [("user", "Hello"), ("assistant", "You said: Hello")]


async def test_every_message_has_its_tokens(anna: Person) -> None:
    await anna.says("Hello")
    rows = await anna.backend.db.run("select tokens from messages")
    assert len(rows) == 2
    assert all(row["tokens"] > 0 for row in rows)


async def test_the_model_sees_what_was_said_before(anna: Person, provider: Provider) -> None:
    await anna.says("My name is Anna")
    await anna.says("Who am I?")
    said = [message["content"] for message in provider.prompts[-1] if message["role"] != "system"]
    assert said == ["My name is Anna", "You said: My name is Anna", "Who am I?"]


async def test_a_repeated_key_gets_the_first_answer(anna: Person, provider: Provider) -> None:
    first = await anna.says("Hello", "k")
    assert await anna.says("Hello", "k") == first
    assert len(provider.calls) == 1


async def test_one_key_twenty_times_at_once_is_one_turn_and_one_call(anna: Person, provider: Provider) -> None:
    provider.will(Answer("Once", delay=0.2))
    replies = await asyncio.gather(*(anna.says("Hello", "k") for _ in range(20)))
    assert {reply.text for reply in replies} == {"Once"}
    assert len({reply.turn_id for reply in replies}) == 1
    assert len(provider.calls) == 1


async def test_a_key_is_not_used_for_another_text(anna: Person) -> None:
    await anna.says("Hello", "k")
    with pytest.raises(KeyReused):
        await anna.says("Goodbye", "k")


async def test_fifty_messages_at_once_are_answered_in_order_each_once(anna: Person, provider: Provider) -> None:
    await asyncio.gather(*(anna.says(f"message {number}") for number in range(50)))
    transcript = await anna.transcript()
    questions, answers = transcript[0::2], transcript[1::2]
    assert sorted(questions) == sorted(("user", f"message {number}") for number in range(50))
    assert answers == [("assistant", f"You said: {content}") for _, content in questions]
    assert provider.most_in_flight == 1
    assert [prompt[-1]["content"] for prompt in provider.prompts] == [content for _, content in questions]


async def test_two_processes_answer_one_session_in_order(
    anna: Person, make_backend: MakeBackend, provider: Provider
) -> None:
    both = [anna, anna.talking_to(await make_backend())]
    await asyncio.gather(*(both[number % 2].says(f"message {number}") for number in range(20)))
    transcript = await anna.transcript()
    assert [role for role, _ in transcript] == ["user", "assistant"] * 20
    assert provider.most_in_flight == 1


async def test_different_people_are_answered_at_the_same_time(backend: Backend, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(*(Answer("hi", gate=gate) for _ in range(5)))
    people = [Person(backend, user_id=str(number), chat_id=str(number)) for number in range(5)]
    turns = asyncio.gather(*(person.says("Hello") for person in people))
    await in_time(provider.called(5))
    gate.set()
    assert len(await turns) == 5


async def test_a_message_waits_no_longer_than_it_should(
    anna: Person, make_backend: MakeBackend, provider: Provider
) -> None:
    impatient = await make_backend(turn_wait_seconds=0.3)
    gate = asyncio.Event()
    provider.will(Answer("at last", gate=gate))
    first = asyncio.ensure_future(anna.says("first"))
    await provider.called()
    with pytest.raises(SessionBusy):
        await anna.talking_to(impatient).says("second", "k")
    gate.set()
    assert (await first).text == "at last"
    assert (await anna.says("second", "k")).text == "You said: second"


async def test_a_failed_turn_can_be_asked_again(anna: Person, provider: Provider) -> None:
    provider.will(Fails(400))
    with pytest.raises(NoProviderAnswered):
        await anna.says("Hello", "k")
    assert (await anna.says("Hello", "k")).text == "You said: Hello"
    assert await anna.transcript() == [("user", "Hello"), ("assistant", "You said: Hello")]


async def test_what_is_asked_again_later_moves_to_the_end(anna: Person, provider: Provider) -> None:
    provider.will(Fails(400))
    with pytest.raises(NoProviderAnswered):
        await anna.says("first", "k")
    await anna.says("second")
    await anna.says("first", "k")
    assert [content for _, content in await anna.transcript()] == [
        "second", "You said: second", "first", "You said: first",
    ]  # fmt: skip


async def test_a_late_answer_of_a_lost_attempt_changes_nothing(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer("late", gate=gate))
    late = asyncio.ensure_future(anna.says("Hello", "k"))
    await provider.called()
    await anna.backend.db.run("update turns set status = 'failed'")
    assert (await anna.says("Hello", "k")).text == "You said: Hello"
    gate.set()
    with pytest.raises(TurnInterrupted):
        await late
    assert await anna.transcript() == [("user", "Hello"), ("assistant", "You said: Hello")]


async def test_no_connection_waits_for_the_model(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate))
    turn = asyncio.ensure_future(anna.says("Hello"))
    await provider.called()
    busy = await anna.backend.db.run(
        "select state, query from pg_stat_activity where datname = current_database()"
        " and state <> 'idle' and pid <> pg_backend_pid()"
    )
    gate.set()
    await turn
    assert busy == []


async def test_an_unknown_or_disabled_bot_answers_nobody(anna: Person) -> None:
    with pytest.raises(BotNotFound):
        await Person(anna.backend, bot="nobody").says("Hello")
    await anna.backend.db.run("insert into bots (slug, name, enabled) values ('off', 'Off', false)")
    with pytest.raises(BotNotFound):
        await Person(anna.backend, bot="off").says("Hello")
    assert await anna.transcript() == []


async def test_a_bot_speaks_with_its_persona(backend: Backend, provider: Provider) -> None:
    await backend.db.run("insert into bots (slug, name, persona) values ('pirate', 'P', 'You are a pirate.')")
    await Person(backend, bot="pirate").says("Hello")
    assert provider.prompts[0][0] == {"role": "system", "content": "You are a pirate."}


async def test_an_answer_that_was_deleted_is_not_given_again(anna: Person, provider: Provider) -> None:
    await anna.says("Hello", "k")
    await anna.backend.db.run("delete from messages where role = 'assistant'")
    with pytest.raises(AnswerForgotten):
        await anna.says("Hello", "k")
    assert len(provider.calls) == 1


async def test_a_stream_shows_the_answer_in_pieces(anna: Person, provider: Provider) -> None:
    provider.will(Answer("Good morning, Anna"))
    seen = [piece async for piece in anna.backend.chat.stream_turn(anna.asked("Hello"))]
    reply = seen.pop()
    assert isinstance(reply, Reply)
    assert len(seen) > 1
    assert "".join(map(str, seen)) == reply.text == "Good morning, Anna"


async def test_a_stream_that_nobody_reads_any_more_is_recorded(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer("recorded", gate=gate))
    stream = anna.backend.chat.stream_turn(anna.asked("Hello", "k"))
    reading = asyncio.ensure_future(anext(aiter(stream)))
    await provider.called()
    reading.cancel()
    gate.set()
    assert (await anna.says("Hello", "k")).text == "recorded"
    assert len(provider.calls) == 1

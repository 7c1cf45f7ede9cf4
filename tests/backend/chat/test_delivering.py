"""Turns whose end is delivered, from one process's point of view."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from backend.bootstrap import Backend
from backend.chat import Asked
from backend.chat.delivering import Merged, Restarted, Underway
from backend.chat.turns import KeyReused, TurnInterrupted
from backend.memory.scopes import BotNotFound
from tests.backend.chat.conversation import Person
from tests.conftest import MakeBackend
from tests.processes import until
from tests.simulators.provider import Answer, Fails, Provider


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend)


def to_deliver(person: Person, text: str, key: str | None = None, reply_to: str = "") -> Asked:
    return replace(person.asked(text, key), delivers=True, reply_to=reply_to)


async def heard(person: Person, underway: Underway) -> tuple[str, Any]:
    """What is shown of the answer, and what comes last."""
    told = [piece async for piece in person.backend.chat.follow(underway)]
    return "".join(piece for piece in told if isinstance(piece, str)), told[-1]


async def sends(person: Person, text: str, key: str | None = None) -> tuple[str, Any]:
    return await heard(person, await person.backend.chat.accept(to_deliver(person, text, key)))


async def let_a_second_pass(person: Person) -> None:
    """What was said before is no longer said in one breath with what comes."""
    await person.backend.db.run("update turns set created_at = created_at - interval '2 seconds'")


async def let_no_second_pass(person: Person) -> None:
    """Whatever comes next is said in one breath with what was said before, however slow this machine is."""
    await person.backend.db.run("update turns set created_at = created_at + interval '1 hour'")


async def statuses(person: Person) -> list[str]:
    rows = await person.backend.db.run("select status from turns order by position")
    return [row["status"] for row in rows]


async def test_the_answer_is_shown_recorded_and_left_for_delivery(anna: Person) -> None:
    underway = await anna.backend.chat.accept(to_deliver(anna, "Hello", reply_to="17"))
    shown, delivery = await heard(anna, underway)
    assert shown == delivery["text"] == "You said: Hello"
    assert (delivery["kind"], delivery["state"], delivery["bot"]) == ("answer", "pending", "default")
    assert (delivery["chat_id"], delivery["user_id"], delivery["reply_to"]) == ("anna", "anna", "17")
    assert (delivery["turn_id"], delivery["stopped"]) == (underway.turn_id, False)
    assert await anna.transcript() == [("user", "Hello"), ("assistant", "You said: Hello")]


async def test_it_is_answered_although_nobody_listens(anna: Person) -> None:
    await anna.backend.chat.accept(to_deliver(anna, "Hello"))

    async def is_there() -> bool:
        return bool(await anna.backend.db.run("select from deliveries"))

    await until(is_there)
    assert await anna.transcript() == [("user", "Hello"), ("assistant", "You said: Hello")]


async def test_a_known_key_gets_the_same_delivery(anna: Person, provider: Provider) -> None:
    _, first = await sends(anna, "Hello", "k")
    shown, again = await sends(anna, "Hello", "k")
    assert (shown, again["id"]) == ("", first["id"])
    assert len(provider.calls) == 1


async def test_a_known_key_waits_for_the_answer_that_is_being_written(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer("at last", gate=gate))
    both = [asyncio.ensure_future(sends(anna, "Hello", "k")) for _ in range(2)]
    await provider.called()
    gate.set()
    assert {delivery["text"] for _, delivery in await asyncio.gather(*both)} == {"at last"}
    assert len(provider.calls) == 1


async def test_a_problem_is_delivered_and_the_key_gets_it_again(anna: Person, provider: Provider) -> None:
    provider.will(Fails(400))
    for _ in range(2):
        _, delivery = await sends(anna, "Hello", "k")
        assert (delivery["kind"], delivery["text"]) == ("problem", "/problems/no-provider-answered")
    assert await statuses(anna) == ["failed"]
    assert len(provider.calls) == 1


async def test_a_key_stands_for_one_way_of_answering(anna: Person) -> None:
    await anna.says("Hello", "plain")
    with pytest.raises(KeyReused):
        await anna.backend.chat.accept(to_deliver(anna, "Hello", "plain"))
    await sends(anna, "Hello", "delivered")
    with pytest.raises(KeyReused):
        await anna.says("Hello", "delivered")


async def test_an_unknown_bot_accepts_nothing(anna: Person) -> None:
    with pytest.raises(BotNotFound):
        await sends(replace(anna, bot="nobody"), "Hello")


async def test_what_was_accepted_is_on_the_disk(anna: Person) -> None:
    """Whoever is told that a message is stored may rely on it; who is told nothing before the end need not wait."""
    [before] = await anna.backend.db.run("select pg_current_wal_flush_lsn() as flushed")
    await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    [after] = await anna.backend.db.run("select pg_current_wal_flush_lsn() > $1 as more", before["flushed"])
    assert after["more"]


async def test_messages_sent_in_one_breath_are_answered_together(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer("never seen", gate=gate))
    first = await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    await provider.called()
    await let_no_second_pass(anna)
    _, answer = await sends(anna, "How are you?")
    assert isinstance((await heard(anna, first))[1], Merged)
    assert answer["text"] == "You said: How are you?"
    assert [line["content"] for line in provider.prompts[-1][-3:] if line["role"] == "user"] == [
        "Hello", "How are you?",
    ]  # fmt: skip
    assert await anna.transcript() == [
        ("user", "Hello"), ("user", "How are you?"), ("assistant", "You said: How are you?"),
    ]  # fmt: skip
    assert await statuses(anna) == ["merged", "answered"]
    assert provider.most_in_flight == 1 or provider.in_flight == 0
    gate.set()


async def test_what_comes_later_waits_for_the_answer_before(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer("first", gate=gate), Answer("second"))
    first = await anna.backend.chat.accept(to_deliver(anna, "one"))
    await provider.called()
    await let_a_second_pass(anna)
    second = await anna.backend.chat.accept(to_deliver(anna, "two"))
    gate.set()
    assert [(await heard(anna, each))[1]["text"] for each in (first, second)] == ["first", "second"]
    assert [content for _, content in await anna.transcript()] == ["one", "first", "two", "second"]


async def test_it_waits_without_limit(make_backend: MakeBackend, provider: Provider) -> None:
    anna = Person(await make_backend(turn_wait_seconds=0))
    gate = asyncio.Event()
    provider.will(Answer(gate=gate))
    await anna.backend.chat.accept(to_deliver(anna, "one"))
    await provider.called()
    await let_a_second_pass(anna)
    second = asyncio.ensure_future(sends(anna, "two"))
    gate.set()
    assert (await second)[1]["text"] == "You said: two"


async def test_no_more_turns_of_a_bot_than_it_may_have_are_carried_out_at_once(
    make_backend: MakeBackend, provider: Provider
) -> None:
    backend = await make_backend(max_concurrent_turns=2)
    await backend.db.run("insert into bots (slug, name, max_concurrent_turns) values ('busy', 'Busy', 3)")
    provider.usual = Answer("hi", delay=0.1)
    for bot, most in (("default", 2), ("busy", 3)):
        provider.most_in_flight = 0
        people = [Person(backend, str(number), str(number), bot=bot) for number in range(8)]
        ends = await asyncio.gather(*(sends(person, "Hello") for person in people))
        assert [delivery["text"] for _, delivery in ends] == ["hi"] * 8
        assert provider.most_in_flight == most


async def test_a_turn_that_is_forgotten_meanwhile_has_no_delivery(anna: Person, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Answer(gate=gate))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    await provider.called()
    await anna.backend.memory.forget("anna", None)
    with pytest.raises(TurnInterrupted):
        await heard(anna, underway)
    gate.set()


async def test_what_was_given_up_is_answered_by_another_attempt(anna: Person, provider: Provider) -> None:
    first, second = asyncio.Event(), asyncio.Event()
    provider.will(Answer("never seen", gate=first), Answer(gate=second))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    await provider.called()
    await anna.backend.db.run("update turns set owner = 0")
    followed = aiter(anna.backend.chat.follow(underway))
    assert isinstance(await anext(followed), Restarted)
    second.set()
    assert [end async for end in followed] != []
    first.set()
    assert await anna.transcript() == [("user", "Hello"), ("assistant", "You said: Hello")]


REFUSES_ENDS = """
create function refuse_ends() returns trigger language plpgsql as $$
begin raise exception using errcode = 'admin_shutdown', message = 'not now'; end $$;
create trigger refuse_ends before update on turns for each row when (new.status = 'failed')
execute function refuse_ends()
"""


async def test_a_problem_that_cannot_be_recorded_leaves_a_turn_that_is_answered_after_all(
    anna: Person, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.chat.answering.RECORD_PATIENCE_SECONDS", 0)
    async with anna.backend.db.begin() as tx:
        await tx.execute(REFUSES_ENDS)
    provider.will(Fails(400))
    try:
        _, delivery = await sends(anna, "Hello")
    finally:
        await anna.backend.db.run("drop function refuse_ends cascade")
    assert (delivery["kind"], delivery["text"]) == ("answer", "You said: Hello")

"""An operator takes a dialogue over: the bot is silent, and what the operator writes is brought to the person."""

import asyncio

import pytest

from backend.bootstrap import Backend
from backend.chat.delivering import LeftToHuman
from backend.database import Database
from backend.llm import NoProviderAnswered
from tests.backend.chat.conversation import Person
from tests.backend.chat.test_delivering import heard, sends, statuses, to_deliver
from tests.conftest import MakeBackend, RecordedJobs
from tests.directus.conftest import Operator
from tests.processes import until
from tests.simulators.provider import Answer, Fails, Provider

SWITCH = "update chat_sessions set mode = $1 where is_active"
SAY = "insert into messages (session_id, content) select id, $1 from chat_sessions where is_active returning id"
DELIVERED = "select kind, content, chat_id, user_id, reply_to, key from deliveries where turn_id is null order by id"


async def test_while_a_human_answers_no_model_is_asked(
    anna: Person, operator: Operator, provider: Provider, jobs: RecordedJobs
) -> None:
    await anna.says("Hello")
    await operator.run(SWITCH, "human")
    reply = await anna.says("Is anybody there?")
    assert (reply.type, reply.text, reply.model) == ("notice", "A person will answer you.", "")
    assert (await anna.says("Есть кто-нибудь?", language="ru")).text == "Вам ответит человек."
    assert len(provider.calls) == 1
    assert jobs.indexed == 3
    assert [said for role, said in await anna.transcript() if role == "user"][1:] == [
        "Is anybody there?",
        "Есть кто-нибудь?",
    ]


async def test_the_same_key_gets_the_same_notice(anna: Person, operator: Operator, provider: Provider) -> None:
    await anna.says("Hello")
    await operator.run(SWITCH, "human")
    first = await anna.says("Is anybody there?", "key")
    assert await anna.says("Is anybody there?", "key") == first
    assert len(provider.calls) == 1


async def test_what_the_operator_writes_is_delivered(anna: Person, operator: Operator, db: Database) -> None:
    await sends(anna, "Hello")
    await operator.run(SWITCH, "human")
    _, end = await sends(anna, "I want a person")
    assert isinstance(end, LeftToHuman)
    [message] = await operator.run(SAY, "Here I am")
    assert [tuple(row) for row in await db.run(DELIVERED)] == [
        ("notice", "Here I am", "anna", "anna", "", f"message:{message['id']}")
    ]
    said = await db.run("select role, speaker, content, tokens > 0 as counted from messages order by position")
    assert tuple(said[-1]) == ("assistant", "Assistant", "Here I am", True)


async def test_in_a_group_it_replies_to_what_was_said_last(backend: Backend, operator: Operator, db: Database) -> None:
    anna = Person(backend, chat_id="-7", chat_type="group", user_name="Anna")
    await heard(anna, await backend.chat.accept(to_deliver(anna, "Hello", reply_to="41")))
    await operator.run(SWITCH, "human")
    await heard(anna, await backend.chat.accept(to_deliver(anna, "A person, please", reply_to="43")))
    await operator.run(SAY, "Here I am")
    assert [(row["chat_id"], row["reply_to"]) for row in await db.run(DELIVERED)] == [("-7", "43")]


async def test_a_program_that_is_handed_no_deliveries_finds_it_among_the_messages(
    anna: Person, operator: Operator, db: Database
) -> None:
    await anna.says("Hello")
    await operator.run(SAY, "Here I am")
    assert await db.run(DELIVERED) == []
    assert (await anna.transcript())[-1] == ("assistant", "Here I am")


async def test_handed_back_the_bot_answers_and_knows_what_was_said(
    anna: Person, operator: Operator, provider: Provider
) -> None:
    await anna.says("Hello")
    await operator.run(SWITCH, "human")
    await anna.says("My order is 1234")
    await operator.run(SAY, "It comes on Friday")
    await operator.run(SWITCH, "bot")
    provider.will(Answer("On Friday."))
    reply = await anna.says("When does it come?")
    assert (reply.type, reply.text) == ("message", "On Friday.")
    said = [(line["role"], line["content"]) for line in provider.prompts[-1] if line["role"] != "system"]
    assert said[-3:-1] == [("user", "My order is 1234"), ("assistant", "It comes on Friday")]


async def test_an_answer_that_is_being_written_is_not_delivered(
    anna: Person, operator: Operator, provider: Provider, db: Database
) -> None:
    gate = asyncio.Event()
    provider.will(Answer("From the model", gate=gate))
    underway = await anna.backend.chat.accept(to_deliver(anna, "Hello"))
    await provider.called()
    await operator.run(SWITCH, "human")
    _, end = await heard(anna, underway)
    gate.set()
    assert isinstance(end, LeftToHuman)
    assert await statuses(anna) == ["human"]
    assert await anna.transcript() == [("user", "Hello")]
    assert await db.run("select from deliveries") == []


async def test_nor_is_it_told_to_a_program_that_waits_for_it(
    anna: Person, operator: Operator, provider: Provider
) -> None:
    gate = asyncio.Event()
    provider.will(Answer("From the model", gate=gate))
    async with asyncio.TaskGroup() as meanwhile:
        asking = meanwhile.create_task(anna.says("Hello"))
        await provider.called()
        await operator.run(SWITCH, "human")
        gate.set()
    assert (asking.result().type, asking.result().text) == ("notice", "A person will answer you.")
    assert await anna.transcript() == [("user", "Hello")]


async def test_an_answer_written_at_the_very_moment_of_the_switch_is_either_whole_or_not_there(
    make_backend: MakeBackend, operator: Operator, provider: Provider, db: Database
) -> None:
    backend = await make_backend()
    people = [Person(backend, user_id=f"{number}", chat_id=f"{number}") for number in range(20)]
    for person in people:
        await backend.chat.accept(to_deliver(person, "Hello"))
    await provider.called(10)
    await operator.run(SWITCH, "human")
    rows = await db.run(
        "select turn.status, answer.id is not null as answered, delivery.id is not null as delivered from turns turn"
        " left join messages answer on answer.turn_id = turn.id and answer.role = 'assistant'"
        " left join deliveries delivery on delivery.turn_id = turn.id"
    )
    assert {tuple(row) for row in rows} <= {("answered", True, True), ("human", False, False)}


async def both_are_there(person: Person) -> bool:
    return len(await statuses(person)) == 2


async def test_messages_that_wait_behind_it_are_left_to_the_human_as_well(
    anna: Person, operator: Operator, provider: Provider
) -> None:
    gate = asyncio.Event()
    provider.will(Answer("From the model", gate=gate))
    async with asyncio.TaskGroup() as meanwhile:
        asking = [meanwhile.create_task(anna.says("First"))]
        await provider.called()
        asking.append(meanwhile.create_task(anna.says("Second")))
        await until(lambda: both_are_there(anna))
        await operator.run(SWITCH, "human")
        gate.set()
    assert [task.result().type for task in asking] == ["notice", "notice"]
    assert await statuses(anna) == ["human", "human"]


async def test_a_failed_message_asked_again_meanwhile_is_left_to_the_human(
    anna: Person, operator: Operator, provider: Provider
) -> None:
    provider.will(*[Fails(500)] * 5)
    with pytest.raises(NoProviderAnswered):
        await anna.says("Hello", "key")
    calls = len(provider.calls)
    await operator.run(SWITCH, "human")
    assert (await anna.says("Hello", "key")).type == "notice"
    assert len(provider.calls) == calls


async def test_who_begins_anew_talks_to_the_bot(anna: Person, operator: Operator, db: Database) -> None:
    first = await anna.says("Hello")
    await operator.run(SWITCH, "human")
    await db.run("update chat_sessions set is_active = false")
    reply = await anna.says("Hello again")
    assert reply.type == "message"
    assert reply.session_id != first.session_id

"""Whatever is said will be found, also when others write into our tables."""

import asyncio

from backend.bootstrap import Backend
from backend.database import Database
from backend.memory.pieces import LONGEST
from tests.backend.chat.conversation import Person
from tests.backend.memory.indexing.looking import Looking
from tests.conftest import MakeBackend, RecordedJobs
from tests.processes import until
from tests.simulators.provider import Answer, Provider

STORY = "Мы поехали в Казань в мае, потому что там было тепло и цвели сады.\n" * 40


async def test_what_is_said_is_promised_with_it(anna: Person, looking: Looking, jobs: RecordedJobs) -> None:
    await anna.says("I live in Kazan")
    said = [content for _, content in await anna.transcript()]
    assert await looking.promised() == await looking.pending() == said
    assert jobs.indexed == 1


async def test_the_answer_is_promised_too_with_whose_memory_it_is(
    anna: Person, provider: Provider, db: Database
) -> None:
    provider.will(Answer("Then you know the Kremlin there."))
    await anna.says("I live in Kazan")
    promised = await db.run(
        "select embeddings.scope = session.scope as same, embeddings.session_id = session.id as of_it, embeddings.role,"
        " importance, piece from embeddings join messages on messages.id = message_id"
        " join chat_sessions session on session.id = messages.session_id order by message_id"
    )
    question, answer = [tuple(row) for row in promised]
    assert question == (True, True, "user", 0.65, 0)
    assert answer[:3] == (True, True, "assistant")


async def test_a_long_message_is_promised_in_pieces(anna: Person, looking: Looking, provider: Provider) -> None:
    provider.will(Answer("Good."))
    await anna.says(STORY)
    *pieces, answer = await looking.promised()
    assert "\n".join(pieces) == STORY.strip()
    assert len(pieces) > 3
    assert max(map(len, pieces)) <= LONGEST
    assert answer == "Good."


async def test_nothing_is_promised_while_nothing_is_remembered(
    make_backend: MakeBackend, looking: Looking, jobs: RecordedJobs
) -> None:
    forgetful = await make_backend(rag_enabled=False)
    await Person(forgetful).says("I live in Kazan")
    await forgetful.indexing.sweep()
    assert await looking.promised() == []
    assert jobs.indexed == 0


async def test_what_was_said_meanwhile_is_promised_by_the_sweep(
    make_backend: MakeBackend, backend: Backend, looking: Looking, db: Database
) -> None:
    forgetful = Person(await make_backend(rag_enabled=False))
    await forgetful.says("I live in Kazan")
    await forgetful.says(STORY)
    await db.run("update messages set created_at = now() - interval '1 year'")
    await backend.indexing.sweep()
    assert "I live in Kazan" in await looking.promised()
    assert len(await looking.promised()) > 6
    assert not await db.run("select from embeddings where created_at > now() - interval '1 day'")


async def test_a_message_that_another_program_inserts_is_promised_by_the_sweep_once(
    anna: Person, backend: Backend, looking: Looking, db: Database
) -> None:
    await anna.says("Hello")
    await db.run(
        "insert into messages (session_id, position, role, content, tokens)"
        " select id, 100, 'user', 'I live in Kazan', 5 from chat_sessions"
        " union all select id, 101, 'system', 'Be nice', 5 from chat_sessions"
        " union all select id, 102, 'user', '  ', 5 from chat_sessions"
    )
    await backend.indexing.sweep()
    await backend.indexing.sweep()
    assert (await looking.promised())[2:] == ["I live in Kazan"]


async def test_the_sweep_goes_through_all_messages_in_steps(
    make_backend: MakeBackend, backend: Backend, looking: Looking, db: Database
) -> None:
    await Person(await make_backend(rag_enabled=False)).says("Hello")
    await db.run(
        "insert into messages (session_id, position, role, content, tokens)"
        " select id, 100 + number, 'user', 'fact ' || number, 5 from chat_sessions, generate_series(1, 12000) number"
    )
    sweeps = 0
    while len(await looking.promised()) < 12_002:
        await backend.indexing.sweep()
        assert (sweeps := sweeps + 1) <= 3


async def test_a_changed_message_is_found_by_what_it_says_now(
    anna: Person, backend: Backend, looking: Looking, db: Database, provider: Provider
) -> None:
    provider.will(Answer("Good."))
    await anna.says("I live in Kazan")
    await backend.indexing.index()
    await db.run("update messages set content = $1 where role = 'user'", STORY)
    assert await looking.pending() == [STORY]
    await backend.indexing.index()
    assert "\n".join((await looking.promised())[:-1]) == STORY.strip()
    assert sorted(await looking.vectors()) == sorted(await looking.promised())
    assert await looking.wordless() == 0


async def test_a_message_that_is_just_being_changed_is_not_promised_as_it_was(
    make_backend: MakeBackend, backend: Backend, looking: Looking, db: Database
) -> None:
    await Person(await make_backend(rag_enabled=False)).says("I live in Kazan")
    operator = await db.connect()
    await operator.execute("begin; update messages set content = 'I live in Samara' where role = 'user'")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(backend.indexing.sweep())
        await until(lambda: db.run("select from pg_stat_activity where wait_event_type = 'Lock'"))
        await operator.execute("commit")
    await operator.close()
    await backend.indexing.sweep()
    assert "I live in Samara" in await looking.promised()
    assert "I live in Kazan" not in await looking.promised()


async def test_a_deleted_message_leaves_nothing_behind(
    anna: Person, backend: Backend, looking: Looking, db: Database
) -> None:
    await anna.says("I live in Kazan")
    await backend.indexing.index()
    await db.run("delete from messages where role = 'user'")
    await backend.indexing.index()
    assert len(await looking.promised()) == len(await looking.vectors()) == 1
    assert not await db.run("select from forgotten_vectors")


async def test_a_session_that_is_given_to_somebody_else_takes_its_memory_along(
    anna: Person, backend: Backend, looking: Looking, db: Database
) -> None:
    await anna.says("I live in Kazan")
    await backend.indexing.index()
    await db.run("update chat_sessions set user_id = 'boris'")
    assert len(await looking.pending()) == 2
    await backend.indexing.index()
    one = await looking.index()
    [session] = await db.run("select scope from chat_sessions")
    assert await one.store.count(one.index, session["scope"]) == 2

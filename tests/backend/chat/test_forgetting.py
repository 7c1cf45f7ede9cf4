"""Forgetting a person: everything, at once, and nobody else."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backend.bootstrap import Backend
from backend.chat.turns import TurnInterrupted
from backend.database import Database
from backend.memory.scopes import Whose
from tests.backend.chat.conversation import Person
from tests.conftest import MakeBackend
from tests.simulators.provider import Answer, Provider

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
THINGS = [
    "cat", "dog", "sister", "brother", "street", "city", "boat", "garden", "teacher", "horse", "school", "doctor",
    "bank",
    "parrot", "village", "river", "dentist", "bakery", "choir", "bicycle", "violin", "cousin", "uncle", "aunt", "hotel",
]  # fmt: skip
NAMES = [
    f"{first}{last}"
    for first in ("Mira", "Toma", "Selo", "Vika", "Dori")
    for last in ("bel", "kan", "lin", "rop", "tus")
]
FACTS = [f"My {thing} is called {name}" for thing, name in zip(THINGS, NAMES, strict=True)]
PARAPHRASES = [f"What is the name of my {thing}?" for thing in THINGS] + [f"Who or what was {name}?" for name in NAMES]

KEPT = """
select (select count(*) from messages) as messages, (select count(*) from conversation_summaries) as summaries,
    (select count(*) from embeddings) as embeddings, (select count(*) from vectors) as vectors,
    (select count(*) from words) as words, (select count(*) from turns) as turns,
    (select count(*) from documents) as documents
"""


@pytest.fixture
async def backend(make_backend: MakeBackend, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    provider.usual = Answer("Understood.")
    return await make_backend(embeddings="stub:words")


async def kept(db: Database) -> dict[str, int]:
    return dict((await db.run(KEPT))[0])


SUMMARIZED = """
insert into conversation_summaries (session_id, version, content, last_position, tokens)
select id, 1, $1, 2, 9 from chat_sessions where user_id = $2 limit 1
"""


async def tells_all(person: Person) -> None:
    """Facts in private and in a group, a summary of one, and a document; all of it indexed."""
    backend, group = person.backend, replace(person, chat_id="group", chat_type="group")
    for number, fact in enumerate(FACTS):
        await (group if number % 5 == 0 else person).says(fact)
    await backend.db.run(SUMMARIZED, FACTS[0], person.user_id)
    whose = Whose(person.bot, user_id=person.user_id)
    added = await backend.documents.add(whose, "\n".join(FACTS).encode(), file_name="facts.txt", name="Facts")
    await backend.documents.read(added["id"])
    await backend.indexing.index()


async def test_fifty_questions_find_nothing_of_it(backend: Backend, db: Database) -> None:
    await tells_all(Person(backend))
    whose = Whose("default", user_id="anna")
    for question in PARAPHRASES:
        assert (await backend.memory.search(whose, question, at=NOW, limit=50)).passages
    receipt = await backend.memory.forget("anna", None)
    for question in PARAPHRASES:
        assert not (await backend.memory.search(whose, question, at=NOW, limit=50)).passages
        group = Whose("default", chat_id="group")
        assert not (await backend.memory.search(group, question, at=NOW, limit=50)).passages
    assert set((await kept(db)).values()) == {0}
    assert (receipt.left, receipt.found) == (0, 0)


async def test_the_receipt_counts_what_was_there(backend: Backend, db: Database) -> None:
    await tells_all(Person(backend))
    before = await kept(db)
    receipt = await backend.memory.forget("anna", None)
    assert before == {
        "messages": receipt.messages,
        "summaries": receipt.summaries,
        "embeddings": receipt.embeddings,
        "vectors": receipt.vectors,
        "words": before["words"],
        "turns": receipt.turns,
        "documents": receipt.documents,
    }
    assert (receipt.messages, receipt.sessions, receipt.documents) == (50, 2, 1)


async def test_nobody_else_is_forgotten(backend: Backend, db: Database) -> None:
    await Person(backend, user_id="boris", chat_id="group", chat_type="group").says("My bear is called Misha")
    await backend.indexing.index()
    before = await kept(db)
    await tells_all(Person(backend))
    await backend.memory.forget("anna", None)
    assert await kept(db) == before
    found = await backend.memory.search(Whose("default", chat_id="group"), "What is my bear called?", at=NOW, limit=5)
    assert "My bear is called Misha" in [passage.content for passage in found.passages]


async def test_one_bot_may_forget_while_another_remembers(backend: Backend, db: Database) -> None:
    await db.run("insert into bots (slug, name) values ('other', 'Other')")
    for bot in ("default", "other"):
        await Person(backend, bot=bot).says("My cat is called Luna")
    await backend.indexing.index()
    assert (await backend.memory.forget("anna", "default")).messages == 2
    assert (await backend.memory.search(Whose("other", user_id="anna"), "my cat", at=NOW, limit=5)).passages


async def test_what_was_not_yet_indexed_is_forgotten_too(backend: Backend, db: Database) -> None:
    await Person(backend).says("My cat is called Luna")
    await backend.memory.forget("anna", None)
    await backend.indexing.index()
    assert set((await kept(db)).values()) == {0}


async def test_it_may_be_repeated_and_need_not_know_the_person(backend: Backend) -> None:
    await Person(backend).says("My cat is called Luna")
    await backend.memory.forget("anna", None)
    assert (await backend.memory.forget("anna", None)).messages == 0
    assert (await backend.memory.forget("nobody", "no such bot")).messages == 0


async def test_an_answer_that_is_being_written_is_not_kept(backend: Backend, provider: Provider, db: Database) -> None:
    gate = asyncio.Event()
    provider.will(Answer("I know.", gate=gate))
    asking = asyncio.ensure_future(Person(backend).says("My cat is called Luna"))
    await provider.called()
    await backend.memory.forget("anna", None)
    gate.set()
    with pytest.raises(TurnInterrupted):
        await asking
    assert set((await kept(db)).values()) == {0}


async def test_a_summary_that_is_being_written_is_not_kept(
    make_backend: MakeBackend, provider: Provider, db: Database
) -> None:
    backend = await make_backend(summary_threshold=2, short_history_limit=0)
    session_id = (await Person(backend).says("My cat is called Luna")).session_id
    gate = asyncio.Event()
    provider.will(Answer('{"story": "A cat is called Luna.", "facts": []}', gate=gate))
    summarizing = asyncio.ensure_future(backend.memory.summarize(session_id))
    await provider.called(2)
    await backend.memory.forget("anna", None)
    gate.set()
    await summarizing
    assert set((await kept(db)).values()) == {0}


async def test_without_the_vector_store_the_rest_is_forgotten_and_the_vectors_follow(
    make_backend: MakeBackend, backend: Backend, db: Database
) -> None:
    await Person(backend).says("My cat is called Luna")
    await backend.indexing.index()
    await db.run("update vector_indexes set store = 'qdrant'")
    away = await make_backend(embeddings="stub:words", qdrant_url="http://127.0.0.1:1")
    receipt = await away.memory.forget("anna", None)
    assert (receipt.vectors, receipt.messages, receipt.left, receipt.found) == (None, 2, 0, 0)
    assert len(await db.run("select from forgotten_vectors")) == 2

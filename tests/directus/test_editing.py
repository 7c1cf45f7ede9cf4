"""What operators change takes effect: triggers see to it, as Directus' own role."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest

from backend.bootstrap import Backend
from backend.database import Database
from tests.backend.chat.conversation import Person
from tests.backend.memory.indexing.looking import Looking
from tests.conftest import MakeBackend
from tests.directus.conftest import Operator
from tests.simulators.provider import Answer, Provider

SAYS = "insert into messages (session_id, content) values ($1, $2) returning id"


SAMPLES = Path(__file__).parents[1] / "backend" / "llm" / "token_samples.json"


@pytest.fixture
async def remembering(make_backend: MakeBackend, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    return await make_backend(embeddings="stub:words")


async def test_an_edited_message_is_what_the_model_sees_next(
    anna: Person, operator: Operator, provider: Provider, db: Database
) -> None:
    await anna.says("My dog is called Rex")
    before = (await db.run("select tokens from messages where role = 'user'"))[0]["tokens"]
    await operator.run(
        "update messages set content = 'My dog is called Bella, and she is very old' where role = 'user'"
    )
    await anna.says("What is my dog called?")
    assert "My dog is called Bella, and she is very old" in str(provider.prompts[-1])
    assert "Rex" not in str([line for line in provider.prompts[-1] if line["role"] == "user"])
    assert (await db.run("select tokens from messages where role = 'user' order by id"))[0]["tokens"] > before


async def test_an_edited_message_is_indexed_anew_and_a_deleted_one_leaves_no_vector(
    remembering: Backend, operator: Operator, db: Database
) -> None:
    anna, looking = Person(remembering), Looking(db, remembering.indexes)
    await anna.says("The code of the door is four two")
    await anna.says("I live in Kazan")
    await remembering.indexing.index()
    assert len(await looking.vectors()) == 4
    await operator.run("update messages set content = 'I live in Perm' where content = 'I live in Kazan'")
    await operator.run("delete from messages where content like '%four two%'")
    await remembering.indexing.sweep()
    await remembering.indexing.index()
    assert [text for text in await looking.vectors() if "You said" not in text] == ["I live in Perm"]
    assert "?" not in await looking.vectors()
    assert await looking.wordless() == 0


async def test_what_an_operator_says_can_be_found(remembering: Backend, operator: Operator, db: Database) -> None:
    anna, looking = Person(remembering), Looking(db, remembering.indexes)
    reply = await anna.says("Where is the office?")
    await operator.run(SAYS, reply.session_id, "The office is in Kazan, Bauman street 7")
    await remembering.indexing.sweep()
    await remembering.indexing.index()
    assert "The office is in Kazan, Bauman street 7" in await looking.vectors()


async def test_a_session_closed_by_an_operator_is_closed_for_the_bot(
    anna: Person, operator: Operator, db: Database
) -> None:
    first = await anna.says("Hello")
    await operator.run("update chat_sessions set is_active = false where id = $1", first.session_id)
    assert (await db.run("select closed_at from chat_sessions"))[0]["closed_at"] is not None
    second = await anna.says("Hello again")
    assert second.session_id != first.session_id


async def test_a_session_that_is_reopened_is_not_forgotten(anna: Person, operator: Operator, db: Database) -> None:
    session_id = (await anna.says("Hello")).session_id
    await db.run("update chat_sessions set is_active = false, forget_at = now() where id = $1", session_id)
    await operator.run("update chat_sessions set is_active = true where id = $1", session_id)
    assert tuple((await db.run("select closed_at, forget_at from chat_sessions"))[0]) == (None, None)


async def test_a_bot_edited_there_speaks_with_its_new_persona(
    anna: Person, operator: Operator, provider: Provider
) -> None:
    await anna.says("Hello")
    await operator.run("update bots set persona = 'You are a pirate.' where slug = 'default'")
    await anna.says("Hello again")
    assert "You are a pirate." in str(provider.prompts[-1][0])


async def test_a_corrected_decision_says_when_it_was_corrected(anna: Person, operator: Operator, db: Database) -> None:
    reply = await anna.says("Hello")
    await db.run(
        "insert into routes (turn_id, session_id, strategy, mode, outcome)"
        " values ($1, $2, 'chat', 'inline', 'followed')",
        reply.turn_id, reply.session_id,
    )  # fmt: skip
    await operator.run("update routes set corrected_strategy = 'macro', corrected_target = 'translate-document'")
    assert (await db.run("select corrected_at from routes"))[0]["corrected_at"] is not None
    await operator.run("update routes set corrected_strategy = null, corrected_target = null")
    assert (await db.run("select corrected_at from routes"))[0]["corrected_at"] is None


class TestSummaries:
    """A summary edited there is what the model sees next, also if another one is being made at this moment."""

    @pytest.fixture
    async def brisk(self, make_backend: MakeBackend) -> Backend:
        return await make_backend(summary_threshold=4, short_history_limit=0)

    async def summarize(self, backend: Backend, provider: Provider, session_id: UUID, reply: str) -> None:
        provider.will(Answer(reply))
        await backend.memory.summarize(session_id)

    @pytest.fixture
    async def session_id(self, brisk: Backend, provider: Provider) -> UUID:
        person = Person(brisk)
        await person.says("My dog is called Rex")
        session_id = (await person.says("He is three")).session_id
        await self.summarize(
            brisk, provider, session_id, "STORY\nAnna has a dog. It is called Rex.\nFACTS\n+ name: Rex"
        )
        return session_id

    async def test_the_model_sees_what_was_edited(
        self, brisk: Backend, session_id: UUID, operator: Operator, provider: Provider
    ) -> None:
        await operator.run(
            "update conversation_summaries set content = 'Anna has a cat.', facts = $1::jsonb",
            '[{"kind": "name", "text": "Tom"}]',
        )
        await Person(brisk).says("What do you know?")
        prompt = str(provider.prompts[-1])
        assert "Anna has a cat." in prompt
        assert "name: Tom" in prompt
        assert "Rex" not in prompt

    async def test_it_counts_as_the_next_version_and_shows_what_has_changed(
        self, session_id: UUID, operator: Operator, db: Database, brisk: Backend, provider: Provider
    ) -> None:
        await Person(brisk).says("She eats fish")
        await Person(brisk).says("And sleeps")
        await self.summarize(
            brisk, provider, session_id, "STORY\nAnna has a dog. It eats fish.\nFACTS\n+ preference: fish"
        )
        [first, second] = await db.run("select version, changes from conversation_summaries order by version")
        assert tuple(first) == (1, "")
        assert second["changes"].splitlines() == ["- It is called Rex.", "+ It eats fish.", "+ preference: fish"]
        await operator.run("update conversation_summaries set content = 'Anna has a cat.' where version = 2")
        [_, edited] = await db.run("select version, changes, tokens from conversation_summaries order by version")
        assert edited["version"] == 3
        assert edited["changes"].splitlines()[:3] == ["- Anna has a dog.", "- It is called Rex.", "+ Anna has a cat."]
        assert edited["tokens"] > 0

    async def test_an_edited_older_version_stays_what_it_is(
        self, session_id: UUID, operator: Operator, db: Database
    ) -> None:
        await db.run(
            "insert into conversation_summaries (session_id, version, content, last_position, tokens)"
            " values ($1, 2, 'Anna has a dog.', 4, 5)",
            session_id,
        )
        await operator.run("update conversation_summaries set content = 'It is called Bella.' where version = 1")
        rows = await db.run("select version, changes from conversation_summaries order by version")
        assert [row["version"] for row in rows] == [1, 2]
        assert "- It is called Bella." in rows[1]["changes"]

    async def test_a_summary_that_is_being_made_meanwhile_does_not_undo_it(
        self, brisk: Backend, session_id: UUID, operator: Operator, provider: Provider, db: Database
    ) -> None:
        for text in ("She eats fish", "And sleeps"):
            await Person(brisk).says(text)
        gate, so_far = asyncio.Event(), len(provider.calls)
        provider.will(Answer("STORY\nAnna has a dog, which eats fish.\nFACTS\n", gate=gate))
        async with asyncio.TaskGroup() as meanwhile:
            meanwhile.create_task(brisk.memory.summarize(session_id))
            await provider.called(so_far + 1)
            await operator.run("update conversation_summaries set content = 'Anna has a cat.'")
            gate.set()
        await self.summarize(brisk, provider, session_id, "STORY\nThe cat eats fish.\nFACTS\n")
        assert "Anna has a cat." in str(provider.prompts[-1])
        rows = await db.run("select version, content from conversation_summaries order by version")
        assert [tuple(row) for row in rows] == [(2, "Anna has a cat."), (3, "The cat eats fish.")]


ORDINARY = ["english prose", "english chat", "russian prose", "russian chat", "german", "spanish", "code", "json"]


@pytest.mark.parametrize("kind", ORDINARY)
async def test_tokens_counted_in_the_database_err_upwards(pool: Database, kind: str) -> None:
    samples: list[tuple[str, int, int]] = json.loads(SAMPLES.read_text("utf-8"))[kind]
    counted = await pool.run(
        "select estimated_tokens(t) as n from unnest($1::text[]) t", [text for text, _, _ in samples]
    )
    exactly = sum(exact for _, _, exact in samples)
    assert exactly <= sum(row["n"] for row in counted) <= 2 * exactly

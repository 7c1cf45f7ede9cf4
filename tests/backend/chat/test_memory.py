"""What was said long ago, in a turn of today: for whoever it belongs to, and for nobody else."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from backend.bootstrap import Backend
from backend.chat import sessions
from backend.database import Database
from backend.memory.scopes import Whose
from tests.backend.chat.conversation import Person
from tests.conftest import MakeBackend
from tests.simulators.provider import Answer, Fails, Provider

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
# Words that have nothing in common but what is meant.
SECRETS = [
    "Abalone", "Bandicoot", "Caracal", "Dugong", "Echidna", "Fossa", "Gharial", "Hoatzin", "Ibex", "Jerboa", "Kinkajou",
    "Lamprey", "Markhor", "Numbat", "Okapi", "Pangolin", "Quokka", "Rhea", "Serval", "Tapir", "Uakari", "Vicuna",
    "Wombat", "Xerus", "Yapok", "Zorilla", "Axolotl", "Binturong", "Coati", "Dhole",
]  # fmt: skip


@pytest.fixture
async def backend(make_backend: MakeBackend, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    provider.usual = Answer("Understood.")
    return await make_backend(embeddings="stub:words")


@pytest.fixture
def anna(backend: Backend) -> Person:
    return Person(backend)


async def begins_anew(person: Person) -> None:
    """What was said is indexed, and the session closed."""
    await person.backend.indexing.index()
    await sessions.reset_chat(person.backend.db, person.bot, person.chat_id, "", person.user_id, forget=False)


async def recalled(db: Database) -> dict[str, Any] | None:
    """What memory found for the latest turn."""
    rows = await db.run("select recalled from turns order by created_at desc limit 1")
    found: dict[str, Any] | None = rows[0]["recalled"]
    return found


def shown(provider: Provider) -> str:
    """Everything that the model was shown in the latest call."""
    return "\n".join(message["content"] for message in provider.calls[-1].body["messages"])


async def test_what_was_said_in_an_earlier_dialogue_is_shown_as_a_quotation(
    anna: Person, provider: Provider, db: Database
) -> None:
    await anna.says("My cat is called Luna")
    await begins_anew(anna)
    await anna.says("What is my cat called?")
    assert "> My cat is called Luna" in shown(provider)
    assert (await recalled(db) or {})["by"] == "meaning and words"


async def test_it_is_found_from_another_private_chat_of_the_person(anna: Person, provider: Provider) -> None:
    await anna.says("My cat is called Luna")
    await anna.backend.indexing.index()
    await replace(anna, chat_id="laptop").says("What is my cat called?")
    assert "> My cat is called Luna" in shown(provider)


async def test_memory_is_not_asked_while_the_window_holds_everything(
    anna: Person, provider: Provider, db: Database
) -> None:
    await anna.says("My cat is called Luna")
    await anna.backend.indexing.index()
    embedded = len(provider.embeddings.calls)
    await anna.says("What is my cat called?")
    assert shown(provider).count("Luna") == 1
    assert await recalled(db) is None
    assert len(provider.embeddings.calls) == embedded


async def test_what_stands_in_the_window_is_not_shown_again(anna: Person, provider: Provider) -> None:
    await anna.says("My dog is called Rex")
    await begins_anew(anna)
    await anna.says("My cat is called Luna")
    await anna.backend.indexing.index()
    await anna.says("What are my cat and my dog called?")
    assert shown(provider).count("Luna") == 1
    assert "> My dog is called Rex" in shown(provider)
    assert "> My cat is called Luna" not in shown(provider)


async def test_what_only_the_summary_holds_is_found_word_for_word(
    make_backend: MakeBackend, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    backend = await make_backend(embeddings="stub:words", summary_threshold=4, short_history_limit=2)
    anna = Person(backend)
    session_id = (await anna.says("My cat is called Luna")).session_id
    await anna.says("The weather is fine")
    await anna.says("The train was late")
    provider.will(Answer('{"story": "They talked.", "facts": []}'))
    await backend.memory.summarize(session_id)
    await backend.indexing.index()
    await anna.says("What is my cat called?")
    assert "They talked." in shown(provider)
    assert "> My cat is called Luna" in shown(provider)


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_without_the_embedder_words_alone_must_do_and_the_turn_says_so(
    anna: Person, provider: Provider, db: Database, status: int
) -> None:
    await anna.says("My cat is called Luna")
    await begins_anew(anna)
    provider.embeddings.will(*[Fails(status)] * 20)
    await anna.says("What is my cat called?")
    assert "> My cat is called Luna" in shown(provider)
    assert (await recalled(db) or {})["by"] == "words"


def everybody(backend: Backend) -> list[tuple[Person, Whose]]:
    """Ten people in private with two bots, and the same people in ten topics of groups."""
    people = [str(number) for number in range(10)]
    private = [
        (Person(backend, user_id=user, chat_id=user, bot=bot), Whose(bot, user_id=user))
        for bot in ("default", "other")
        for user in people
    ]
    topics = [(f"group {number // 2}", str(number % 2 or "")) for number in range(10)]
    groups = [
        (Person(backend, user, chat, thread_id=thread, chat_type="supergroup"), Whose("default", "", chat, thread))
        for user, (chat, thread) in zip(people, topics, strict=True)
    ]
    return private + groups


async def test_nobody_else_is_told_in_three_hundred_attempts(backend: Backend, db: Database) -> None:
    await db.run("insert into bots (slug, name) values ('other', 'Other')")
    owners = everybody(backend)
    for (person, _), secret in zip(owners, SECRETS, strict=True):
        await person.says(f"The password of the safe is {secret}")
    await backend.indexing.index()
    for place, (_, whose) in enumerate(owners):
        own = await backend.memory.search(whose, "What is the password of the safe?", at=NOW, limit=50)
        said = {passage.content for passage in own.passages if passage.role == "user"}
        assert said == {f"The password of the safe is {SECRETS[place]}"}
        for step in range(1, 11):
            secret = SECRETS[(place + step) % len(SECRETS)]
            found = await backend.memory.search(whose, f"Is {secret} the password of the safe?", at=NOW, limit=50)
            assert [passage.content for passage in found.passages if secret in passage.content] == []


async def test_a_group_is_not_told_what_its_members_said_in_private(backend: Backend, provider: Provider) -> None:
    anna = Person(backend)
    await anna.says("My cat is called Luna")
    await backend.indexing.index()
    group = replace(anna, chat_id="group", chat_type="group")
    await group.says("Hello everybody")
    await begins_anew(group)
    await group.says("What is my cat called?")
    assert "Luna" not in shown(provider)


@pytest.mark.parametrize("owner", [Whose("default"), Whose("default", user_id="anna")])
async def test_a_document_is_known_from_the_first_message_on(anna: Person, provider: Provider, owner: Whose) -> None:
    documents = anna.backend.documents
    added = await documents.add(owner, b"The deposit is 900 euros.", file_name="contract.txt", name="Contract")
    await documents.read(added["id"])
    await anna.backend.indexing.index()
    await anna.says("How much is the deposit?")
    assert "Contract:\n> Contract\n> The deposit is 900 euros." in shown(provider)


async def test_a_persons_document_is_nobody_elses(anna: Person, provider: Provider) -> None:
    documents = anna.backend.documents
    added = await documents.add(
        Whose("default", user_id="boris"), b"The deposit is 900 euros.", file_name="contract.txt", name="Contract"
    )
    await documents.read(added["id"])
    await anna.backend.indexing.index()
    await anna.says("How much is the deposit?")
    assert "900" not in shown(provider)

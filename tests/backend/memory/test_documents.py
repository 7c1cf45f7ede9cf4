"""Documents of real bots in a real database: read once, forgotten wholly, and seen by nobody else."""

import asyncio

import pytest

from backend.bootstrap import Backend
from backend.database import Record
from backend.memory.documents import DocumentEmpty, DocumentNotFound, DocumentUnsupported, Filter, place
from backend.memory.scopes import BotNotFound, Whose
from tests.conftest import RecordedJobs
from tests.processes import until

ANNA, BORIS = Whose("default", user_id="anna"), Whose("default", user_id="boris")
MANUAL = b"# Manual\n\nPress the red button.\n\n## Repair\n\nCall Viktor."


async def add(backend: Backend, owner: Whose = ANNA, content: bytes = MANUAL, name: str = "manual.md") -> Record:
    return await backend.documents.add(owner, content, file_name=name, name=name)


async def embeddings(backend: Backend) -> list[Record]:
    return await backend.db.run("select * from embeddings order by document_id, piece")


async def being_read(backend: Backend) -> None:
    """Returns once a worker has claimed a document."""
    await until(lambda: backend.db.run("select from documents where state = 'reading'"), pause=0.005)


async def test_a_document_is_found_in_pieces_that_say_where_they_stand(backend: Backend, jobs: RecordedJobs) -> None:
    added = await add(backend)
    assert (added["state"], jobs.documents) == ("waiting", [added["id"]])
    await backend.documents.read(added["id"])
    ready = await backend.documents.get(added["id"])
    assert (ready["state"], ready["pieces"], ready["problem"]) == ("ready", 2, None)
    rows = await embeddings(backend)
    assert [(row["piece"], row["content"]) for row in rows] == [
        (0, "manual.md › Manual\nPress the red button."),
        (1, "manual.md › Manual › Repair\nCall Viktor."),
    ]
    assert {(row["role"], row["speaker"], row["created_at"]) for row in rows} == {
        ("document", "manual.md", ready["created_at"])
    }


async def test_what_it_becomes_belongs_to_whom_it_was_added_for(backend: Backend) -> None:
    owners = {
        "memory_scope(id, 'private', 'anna', 'anywhere', '')": ANNA,
        "memory_scope(id, 'supergroup', 'anyone', '-100', '7')": Whose("default", chat_id="-100", thread_id="7"),
        "memory_scope(id, 'bot', '', '', '')": Whose("default"),
    }
    for scope, owner in owners.items():
        document = await add(backend, owner)
        await backend.documents.read(document["id"])
        found = f"select from embeddings where document_id = $1 and scope = (select {scope} from bots limit 1)"
        assert len(await backend.db.run(found, document["id"])) == 2


async def test_the_file_itself_is_not_kept(backend: Backend) -> None:
    readable, broken = await add(backend), await add(backend, content=b"%PDF-1.7 nonsense", name="broken.pdf")
    for document in (readable, broken):
        await backend.documents.read(document["id"])
    rows = await backend.db.run("select state, content from documents order by state")
    assert [tuple(row) for row in rows] == [("failed", None), ("ready", None)]


async def test_the_same_file_of_the_same_owner_is_one_document(backend: Backend, jobs: RecordedJobs) -> None:
    first, again, other = await add(backend), await add(backend, name="copy.md"), await add(backend, BORIS)
    assert first["id"] == again["id"] != other["id"]
    await backend.documents.read(first["id"])
    assert (await add(backend))["state"] == "ready"
    assert jobs.documents == [first["id"], first["id"], other["id"]]
    assert len(await embeddings(backend)) == 2


async def test_what_failed_is_tried_again_when_it_comes_again(backend: Backend) -> None:
    broken = await add(backend, content=b"%PDF-1.7 nonsense", name="broken.pdf")
    await backend.documents.read(broken["id"])
    failed = await backend.documents.get(broken["id"])
    assert (failed["state"], failed["problem"], failed["pieces"]) == ("failed", "unreadable", 0)
    again = await add(backend, content=b"%PDF-1.7 nonsense", name="broken.pdf")
    assert (again["id"], again["state"], again["problem"]) == (broken["id"], "waiting", None)


async def test_two_workers_read_a_document_once(backend: Backend) -> None:
    document = await add(backend)
    await asyncio.gather(*(backend.documents.read(document["id"]) for _ in range(3)))
    assert len(await embeddings(backend)) == 2
    rows = await backend.db.run("select attempt, state from documents")
    assert [tuple(row) for row in rows] == [(1, "ready")]


async def test_what_no_worker_reads_is_asked_for_again(backend: Backend) -> None:
    document = await add(backend)
    assert await backend.documents.overdue() == []
    for state in ("waiting", "reading"):
        await backend.db.run("update documents set state = $1, due_at = now() - interval '1 second'", state)
        assert await backend.documents.overdue() == [document["id"]]
        assert await backend.documents.overdue() == []
    await backend.documents.read(document["id"])
    assert (await backend.documents.get(document["id"]))["state"] == "ready"


async def test_a_worker_that_comes_late_changes_nothing(backend: Backend) -> None:
    document = await add(backend)
    late = asyncio.ensure_future(backend.documents.read(document["id"]))
    await being_read(backend)
    await backend.db.run("update documents set due_at = now() - interval '1 second'")
    await backend.documents.overdue()
    await late
    assert (await backend.documents.get(document["id"]))["state"] == "waiting"
    assert await embeddings(backend) == []
    await backend.documents.read(document["id"])
    assert len(await embeddings(backend)) == 2
    assert [row["attempt"] for row in await backend.db.run("select attempt from documents")] == [2]


async def test_a_document_that_keeps_killing_workers_is_given_up(backend: Backend) -> None:
    document = await add(backend)
    for _ in range(3):
        await backend.db.run(
            "update documents set state = 'reading', attempt = attempt + 1, due_at = now() - interval '1 second'"
        )
        await backend.documents.overdue()
    given_up = await backend.documents.get(document["id"])
    assert (given_up["state"], given_up["problem"]) == ("failed", "unreadable")
    assert await backend.documents.overdue() == []


async def test_a_deleted_document_leaves_nothing_but_the_order_to_drop_its_vectors(backend: Backend) -> None:
    document, other = await add(backend), await add(backend, BORIS)
    for each in (document, other):
        await backend.documents.read(each["id"])
    gone = [row["id"] for row in await embeddings(backend) if row["document_id"] == document["id"]]
    await backend.documents.delete(document["id"])
    assert {row["document_id"] for row in await embeddings(backend)} == {other["id"]}
    forgotten = await backend.db.run("select embedding_id as id from forgotten_vectors order by id")
    assert {row["id"] for row in forgotten} >= set(gone)
    for attempt in (backend.documents.get, backend.documents.delete):
        with pytest.raises(DocumentNotFound):
            await attempt(document["id"])


async def test_a_document_deleted_while_it_is_read_leaves_nothing(backend: Backend) -> None:
    document = await add(backend)
    reading = asyncio.ensure_future(backend.documents.read(document["id"]))
    await being_read(backend)
    await backend.documents.delete(document["id"])
    await reading
    assert await embeddings(backend) == []


async def test_a_list_shows_what_it_was_asked_for(backend: Backend) -> None:
    group = Whose("default", chat_id="-100")
    ids = {owner: (await add(backend, owner))["id"] for owner in (ANNA, BORIS, group, Whose("default"))}

    async def listed(**wanted: str) -> list[object]:
        return [row["id"] for row in (await backend.documents.list(Filter(**wanted), after=None, limit=9)).items]

    assert await listed(user_id="anna") == [ids[ANNA]]
    assert await listed(chat_id="-100") == [ids[group]]
    assert await listed(bot="default") == list(reversed(ids.values()))
    assert await listed(bot="another") == []


async def test_what_cannot_be_read_is_not_taken_in(backend: Backend) -> None:
    for content in (b"", b" \n"):
        with pytest.raises(DocumentEmpty):
            await add(backend, content=content)
    with pytest.raises(DocumentUnsupported):
        await add(backend, content=b"\x89PNG\r\n\x1a\n\x00\x00", name="picture.txt")
    await backend.db.run("insert into bots (slug, name, enabled) values ('asleep', 'Asleep', false)")
    for bot in ("nobody", "asleep"):
        with pytest.raises(BotNotFound):
            await add(backend, Whose(bot))
    assert await backend.db.run("select from documents") == []


def test_a_place_has_its_limits() -> None:
    assert place("a.txt", ()) == "a.txt"
    assert place("a.txt", ("One", "Two")) == "a.txt › One › Two"
    long = place("name" * 40, ("heading " * 20, "last"))
    assert long.startswith("namename")
    assert long.endswith("heading  › last")
    assert len(long) <= 123

"""Documents when workers are killed while they read, are told twice, or come too late."""

import re
from collections import Counter
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from aiohttp import FormData

from backend.jobs import Job
from tests.backend.reader.files import pdf
from tests.faults.house import House
from tests.faults.people import Person
from tests.processes import until

pytestmark = pytest.mark.usefixtures("worker")

# With all that is drawn there, reading takes a few seconds: time enough to do something to whoever reads.
PAGES, LINES = 8_000, 600


@pytest.fixture(scope="module")
def book() -> bytes:
    return pdf([[f"Page {number} is about number {number}."] for number in range(PAGES)], lines=LINES)


async def sends(person: Person, house: House, content: bytes) -> UUID:
    """The document's id, once a worker reads it."""
    await house.worker.answers()
    form = FormData({"user_id": person.name})
    form.add_field("file", BytesIO(content), filename="book.pdf")
    async with person.http.post(f"{house.first.url}/v1/documents", data=form) as response:
        assert response.status == 202, await response.text()
        document_id = UUID((await response.json())["id"])
    await until(lambda: has_state(person, house, document_id, "reading"), pause=0.01)
    return document_id


async def shown(person: Person, house: House, document_id: UUID) -> dict[str, Any]:
    async with person.http.get(f"{house.first.url}/v1/documents/{document_id}") as response:
        document: dict[str, Any] = await response.json()
        return document


async def has_state(person: Person, house: House, document_id: UUID, state: str) -> bool:
    return bool((await shown(person, house, document_id))["state"] == state)


async def is_ready_once(person: Person, house: House, document_id: UUID) -> bool:
    """Every page is in it, and every piece there once."""
    document = await shown(person, house, document_id)
    rows = await house.tables.pieces(document_id)
    said = "\n".join(row["content"] for row in rows)
    assert [row["piece"] for row in rows] == list(range(document["pieces"]))
    assert Counter(re.findall(r"Page (\d+) is", said)) == Counter(map(str, range(PAGES)))
    return bool(document["state"] == "ready")


async def swept_up(person: Person, house: House, document_id: UUID) -> None:
    """Returns once a sweep has found that nobody reads it any more, and it was read."""
    await house.worker.revive()
    await house.tables.let_documents_be_due()
    await house.worker.ring(Job.SWEEP)
    await until(lambda: has_state(person, house, document_id, "ready"))


@pytest.mark.parametrize("killed", ["kill", "kill_busy"])
async def test_what_a_killed_worker_was_reading_is_read_once(
    house: House, anna: Person, book: bytes, killed: str
) -> None:
    document_id = await sends(anna, house, book)
    await getattr(house.worker, killed)()
    assert await house.tables.pieces(document_id) == []
    await swept_up(anna, house, document_id)
    assert await is_ready_once(anna, house, document_id)


async def test_a_document_that_is_asked_for_again_and_again_is_read_once(
    house: House, anna: Person, book: bytes
) -> None:
    document_id = await sends(anna, house, book)
    for _ in range(5):
        await house.worker.ring(Job.READ_DOCUMENT, document_id)
    await until(lambda: has_state(anna, house, document_id, "ready"))
    assert await is_ready_once(anna, house, document_id)


async def test_a_document_deleted_while_it_is_read_leaves_nothing(house: House, anna: Person, book: bytes) -> None:
    async def is_idle() -> bool:
        return not await house.worker.is_busy()

    document_id = await sends(anna, house, book)
    async with anna.http.delete(f"{house.first.url}/v1/documents/{document_id}") as response:
        assert response.status == 204
    await until(is_idle)
    assert await house.tables.pieces(document_id) == []

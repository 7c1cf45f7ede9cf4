"""Documents as a developer sends them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.assertions import assert_problem
from tests.backend.api.running import client_of, everything, serving
from tests.backend.api.test_sessions import parts

PATH = "/v1/documents"
ANNA = {"user_id": "anna"}
MANUAL = b"# Manual\n\nPress the red button."


async def send(
    api: httpx2.AsyncClient, content: bytes = MANUAL, name: str = "manual.md", **form: str
) -> httpx2.Response:
    return await api.post(PATH, files={"file": (name, content)}, data=form)


async def added(
    api: httpx2.AsyncClient, content: bytes = MANUAL, name: str = "manual.md", owner: Mapping[str, str] = ANNA
) -> Any:
    response = await send(api, content, name, **owner)
    assert response.status_code == 202, response.text
    return response.json()


async def test_a_document_is_accepted_shown_listed_and_forgotten(offline_api: httpx2.AsyncClient) -> None:
    document = await added(offline_api)
    assert document.items() >= {
        "bot": "default", "user_id": "anna", "chat_id": "", "thread_id": "", "name": "manual.md",
        "media_type": "text/markdown", "size": len(MANUAL), "state": "waiting", "problem": None, "pieces": 0,
        "finished_at": None,
    }.items()  # fmt: skip
    one = f"{PATH}/{document['id']}"
    assert (await offline_api.get(one)).json() == document
    assert (await offline_api.get(PATH)).json() == {"items": [document], "next_cursor": None}
    gone = await offline_api.delete(one)
    assert (gone.status_code, gone.content) == (204, b"")
    for ask in (offline_api.get, offline_api.delete):
        assert_problem(await ask(one), "document-not-found", 404)


async def test_the_same_file_again_is_the_same_document(offline_api: httpx2.AsyncClient) -> None:
    first, again = await added(offline_api), await added(offline_api, name="copy.md")
    assert first == again
    others = [await added(offline_api, owner=owner) for owner in ({"user_id": "boris"}, {"chat_id": "anna"}, {})]
    assert len({document["id"] for document in (first, *others)}) == 4


async def test_a_stranger_leaves_nothing(offline_api: httpx2.AsyncClient, db: Database) -> None:
    await db.run("update bots set access = 'list', allowed_user_ids = '{42}', allowed_chat_ids = '{-1001}'")
    sender = {"sender_id": "43", "sender_name": "Boris", "language": "en"}
    assert_problem(await send(offline_api, MANUAL, "manual.md", user_id="43", **sender), "not-allowed", 403)
    assert_problem(await send(offline_api, MANUAL, "manual.md", chat_id="-1002", **sender), "not-allowed", 403)
    assert (await offline_api.get(PATH)).json()["items"] == []
    for whose in ({"chat_id": "-1001", "sender_id": "43"}, {"user_id": "42", "sender_id": "42"}, {"user_id": "43"}):
        assert (await send(offline_api, MANUAL, "manual.md", **whose)).status_code == 202
    await db.run("update bots set access = 'pairing', owner_id = '1'")
    assert_problem(await send(offline_api, MANUAL, "manual.md", user_id="43", **sender), "approval-needed", 403)


async def test_a_person_is_shown_only_what_is_theirs(offline_api: httpx2.AsyncClient) -> None:
    for owner in ({"user_id": "anna"}, {"user_id": "boris"}, {"chat_id": "anna", "thread_id": "7"}, {}):
        await added(offline_api, owner=owner)
    listed = (await offline_api.get(PATH, params={"user_id": "anna"})).json()["items"]
    assert [document["user_id"] for document in listed] == ["anna"]
    listed = (await offline_api.get(PATH, params={"chat_id": "anna"})).json()["items"]
    assert [(document["user_id"], document["thread_id"]) for document in listed] == [("", "7")]
    assert (await offline_api.get(PATH, params={"bot": "another"})).json()["items"] == []


async def test_a_list_comes_newest_first_in_parts(offline_api: httpx2.AsyncClient) -> None:
    sent = [(await added(offline_api, f"text {number}".encode(), "a.txt"))["id"] for number in range(7)]
    listed = [item["id"] async for part in parts(offline_api, PATH, limit=3) for item in part]
    assert listed == sent[::-1]
    assert_problem(await offline_api.get(PATH, params={"cursor": "nonsense"}), "cursor-invalid", 422)
    for wrong in ("limit=0", "user_id=", "surprise=1"):
        assert_problem(await offline_api.get(f"{PATH}?{wrong}"), "invalid-request", 422)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("folder/инструкция.md", "инструкция.md"), ("C:\\Documents\\manual.md", "manual.md"), ("..", "document"),
        ("x" * 200 + ".md", "x" * 125 + ".md"),
    ],
)  # fmt: skip
async def test_a_document_is_called_as_its_file(offline_api: httpx2.AsyncClient, sent: str, name: str) -> None:
    assert (await added(offline_api, name=sent))["name"] == name


async def test_a_document_may_have_another_name_than_its_file(offline_api: httpx2.AsyncClient) -> None:
    form = {"name": "Rental contract"}
    document = (await offline_api.post(PATH, files={"file": ("0815.md", MANUAL)}, data=form)).json()
    assert (document["name"], document["media_type"]) == ("Rental contract", "text/markdown")


WRONG_FORMS: dict[str, dict[str, Any]] = {
    "no file": {"files": {"other": ("a.md", MANUAL)}},
    "a file that is a text": {"data": {"file": "text"}},
    "two owners": {"files": {"file": MANUAL}, "data": {"user_id": "anna", "chat_id": "-100"}},
    "a topic of nothing": {"files": {"file": MANUAL}, "data": {"thread_id": "7"}},
    "a long id": {"files": {"file": MANUAL}, "data": {"user_id": "x" * 129}},
    "an id with a zero": {"files": {"file": MANUAL}, "data": {"user_id": "a\x00"}},
    "an unknown field": {"files": {"file": MANUAL}, "data": {"mood": "good"}},
    "no form": {"content": MANUAL, "headers": {"Content-Type": "text/markdown"}},
    "a form without an end": {
        "content": b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ntext',
        "headers": {"Content-Type": "multipart/form-data; boundary=y"},
    },
    "a thousand files": {"files": [("file", ("a.md", MANUAL)) for _ in range(1001)]},
    "JSON": {"json": {"file": "text"}},
}


@pytest.mark.parametrize("wrong", WRONG_FORMS.values(), ids=WRONG_FORMS)
async def test_a_form_that_is_wrong_changes_nothing(
    offline_api: httpx2.AsyncClient, db: Database, wrong: dict[str, Any]
) -> None:
    assert_problem(await offline_api.post(PATH, **wrong), "invalid-request", 422)
    assert (await everything(db))["documents"] == []


async def test_what_cannot_become_memory_is_refused(offline_api: httpx2.AsyncClient, db: Database) -> None:
    assert_problem(await send(offline_api, b"\x89PNG\x00", "a.png"), "document-unsupported", 415)
    assert_problem(await send(offline_api, MANUAL, "a.pdf"), "document-unsupported", 415)
    assert_problem(await send(offline_api, b"", "a.txt"), "document-empty", 422)
    assert_problem(await send(offline_api, bot="nobody"), "bot-not-found", 404)
    assert (await everything(db))["documents"] == []


@pytest.fixture
async def strict(settings: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """Takes documents of two megabytes."""
    two = settings.model_copy(update={"max_document_bytes": 2 << 20})
    async with serving(two) as app, client_of(app) as client:
        yield client


async def test_a_document_may_be_as_large_as_the_settings_say_and_no_larger(strict: httpx2.AsyncClient) -> None:
    largest = b"x" * (2 << 20)
    assert (await added(strict, largest, "a.txt"))["size"] == 2 << 20
    too_large = assert_problem(await send(strict, largest + b"x", "a.txt"), "body-too-large", 413)
    assert too_large["limit"] == 2 << 20


async def test_more_than_a_document_is_not_even_received(offline_api: httpx2.AsyncClient) -> None:
    received = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal received
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(40):
            received += 1
            yield b"x" * (1 << 20)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(await offline_api.post(PATH, content=endless(), headers=headers), "body-too-large", 413)
    assert received <= 12
    assert_problem(await send(offline_api, b"x" * (11 << 20), "a.txt"), "body-too-large", 413)


async def test_other_endpoints_keep_their_limit(offline_api: httpx2.AsyncClient) -> None:
    for path in ("/v1/chat/handle", f"{PATH}/{uuid4()}", f"{PATH}/"):
        response = await offline_api.post(path, content=b"x" * ((1 << 20) + 1))
        assert assert_problem(response, "body-too-large", 413)["limit"] == 1 << 20


@pytest.mark.parametrize("id", ["1", "nonsense", "%00", str(UUID(int=0)) + "0"])
async def test_a_broken_id_is_refused(offline_api: httpx2.AsyncClient, id: str) -> None:
    for ask in (offline_api.get, offline_api.delete):
        assert_problem(await ask(f"{PATH}/{id}"), "invalid-request", 422)

"""Sessions and messages, as somebody looks for them."""

import httpx2
import pytest

from backend.bootstrap import Backend
from backend.database import Database
from tests.backend.chat.conversation import Person


@pytest.fixture
async def said(backend: Backend) -> Backend:
    await Person(backend, "anna", "anna").says("My cat is called Luna. 100% sure_")
    await Person(backend, "boris", "boris").says("Моя СОБАКА лает")
    return backend


async def test_nobody_has_talked(operator: httpx2.AsyncClient) -> None:
    assert "Nobody has talked yet" in (await operator.get("/console/look")).text


@pytest.mark.parametrize(
    ("sought", "found", "not_found"),
    [
        ("", ["anna", "boris"], []),
        ("luna", ["called Luna"], ["лает"]),
        ("собака", ["СОБАКА лает"], ["Luna"]),
        ("boris", ["boris"], ["anna"]),
        ("100% sure_", ["100% sure_"], ["лает"]),
        ("1__% s", [], ["anna", "boris"]),
        ("\x00", ["anna"], []),
        ("'; drop table messages; --", [], ["anna"]),
    ],
)
async def test_messages_and_people_are_found(
    operator: httpx2.AsyncClient, said: Backend, sought: str, found: list[str], not_found: list[str]
) -> None:
    page = (await operator.get("/console/look", params={"q": sought})).text
    page = page.partition("</form>\n")[2].rpartition("</form>")[2]
    for text in found:
        assert text in page
    for text in not_found:
        assert text not in page


async def test_a_list_goes_on(operator: httpx2.AsyncClient, backend: Backend, db: Database) -> None:
    await db.run(
        "insert into chat_sessions (bot_id, user_id, chat_id, created_at)"
        " select bots.id, 'person ' || number, 'chat', now() - number * interval '1 hour'"
        " from bots, generate_series(1, 45) as number"
    )
    first = (await operator.get("/console/look")).text
    assert ("person 40 " in first, "person 41 " in first) == (True, False)
    address = first.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = (await operator.get(f"/console/look{address}")).text
    assert ("person 40 " in second, "person 45 " in second) == (False, True)


async def test_a_session_is_shown_in_order(operator: httpx2.AsyncClient, said: Backend) -> None:
    [session] = await said.db.run("select id from chat_sessions where user_id = 'anna'")
    page = (await operator.get(f"/console/look/{session['id']}")).text
    question, answer = page.index("My cat is called"), page.index("You said: My cat")
    assert question < answer
    assert "What it was made from" in page


async def test_what_is_not_there_is_said_so(operator: httpx2.AsyncClient) -> None:
    missing = await operator.get("/console/look/5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61")
    assert (missing.status_code, "There is no such session" in missing.text) == (404, True)
    assert (await operator.get("/console/look?after=nonsense")).status_code == 422
    assert (await operator.get("/console/look?before=-1")).status_code == 422

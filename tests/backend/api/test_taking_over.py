"""What programs and relays are told of a session that an operator has taken over."""

import httpx2

from backend.database import Database
from tests.simulators.provider import Provider

HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello"}
TAKE_OVER = "update chat_sessions set mode = 'human'"


async def test_a_program_is_told_that_a_person_will_answer(
    api: httpx2.AsyncClient, provider: Provider, db: Database
) -> None:
    first = (await api.post("/v1/chat/handle", json=HELLO)).json()
    await db.run(TAKE_OVER)
    told = (await api.post("/v1/chat/handle", json=HELLO)).json()
    assert (told["type"], told["text"], told["model"]) == ("notice", "A person will answer you.", "")
    assert told["session_id"] == first["session_id"]
    assert len(provider.calls) == 1


async def test_a_relay_has_nothing_to_show(api: httpx2.AsyncClient, db: Database) -> None:
    await api.post("/v1/chat/handle", json=HELLO)
    await db.run(TAKE_OVER)
    response = await api.post("/v1/chat/stream", json=HELLO | {"key": "k", "deliver": True})
    assert [line for line in response.text.splitlines() if line.startswith("event: ")] == [
        "event: accepted",
        "event: human",
    ]
    assert await db.run("select from deliveries") == []

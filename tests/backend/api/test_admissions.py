"""Strangers at a bot that asks its owner, as the relay and the administrator decide about them."""

import httpx2
import pytest

from backend.bots import ApprovalNeeded, Asking, Bots, Rules
from backend.database import Database
from tests.backend.api.assertions import assert_problem
from tests.backend.api.test_sessions import parts
from tests.backend.bots.tokens import SEAL


@pytest.fixture
async def codes(offline_api: httpx2.AsyncClient, db: Database) -> list[str]:
    """Of three people who have asked."""
    bot = {"slug": "bot", "access": "pairing", "owner_id": "1000"}
    (await offline_api.post("/v1/bots", json=bot)).raise_for_status()
    return [await code_of(Bots(db, SEAL, Rules()), person) for person in ("anna", "boris", "clara")]


async def code_of(bots: Bots, person: str) -> str:
    with pytest.raises(ApprovalNeeded) as needed:
        await bots.admit(Asking("bot", person, person.title(), person, "private", "en"))
    return str(needed.value.members["code"])


async def test_who_asks_is_listed_newest_first(offline_api: httpx2.AsyncClient, codes: list[str]) -> None:
    path = "/v1/bots/bot/admissions"
    listed = [item async for part in parts(offline_api, path, limit=2) for item in part]
    assert [(item["user_name"], item["code"], item["state"]) for item in listed] == [
        ("Clara", codes[2], "asked"), ("Boris", codes[1], "asked"), ("Anna", codes[0], "asked"),
    ]  # fmt: skip
    assert (await offline_api.get("/v1/bots/default/admissions")).json() == {"items": [], "next_cursor": None}
    assert_problem(await offline_api.get("/v1/bots/nobody/admissions"), "bot-not-found", 404)


async def test_somebody_is_let_in(offline_api: httpx2.AsyncClient, codes: list[str]) -> None:
    anna, boris, clara = (f"/v1/admissions/{code}" for code in codes)
    stranger = await offline_api.post(anna, json={"approve": True, "by": 43})
    assert_problem(stranger, "owner-decides", 403)
    by_owner = (await offline_api.post(anna, json={"approve": True, "by": 1000})).json()
    assert (by_owner["bot"], by_owner["user_id"], by_owner["state"]) == ("bot", "anna", "approved")
    by_administrator = (await offline_api.post(boris, json={"approve": False})).json()
    assert (by_administrator["user_id"], by_administrator["state"]) == ("boris", "refused")
    assert_problem(await offline_api.post(boris, json={"approve": True}), "admission-decided", 409)
    assert_problem(
        await offline_api.post("/v1/admissions/AAAAAAAA", json={"approve": True}), "admission-not-found", 404
    )
    assert_problem(await offline_api.post(clara, json={}), "invalid-request", 422)
    listed = (await offline_api.get("/v1/bots/bot/admissions")).json()["items"]
    assert [item["state"] for item in listed] == ["asked", "refused", "approved"]

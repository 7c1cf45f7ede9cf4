"""Bots as an operator's program manages them, and as a relay learns of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import SecretStr

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.assertions import assert_problem
from tests.backend.api.running import client_of, everything, process, serving, stores_of
from tests.backend.bots.tokens import KEY, SEAL, token

SUPPORT = {"slug": "support", "name": "Support"}


@pytest.fixture
async def api(settings: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(settings.model_copy(update={"secret_key": SecretStr(KEY)})) as app, client_of(app) as client:
        yield client


async def added(api: httpx2.AsyncClient, **settings: Any) -> dict[str, Any]:
    response = await api.post("/v1/bots", json=SUPPORT | settings)
    assert response.status_code == 201
    bot: dict[str, Any] = response.json()
    return bot


async def test_a_bot_is_added_with_its_defaults(api: httpx2.AsyncClient) -> None:
    bot = await added(api)
    assert bot == (await api.get("/v1/bots/support")).json()
    expected = {
        "slug": "support", "name": "Support", "persona": "", "telegram_id": None, "username": "", "access": "everyone",
        "triggers": ["mention", "reply", "command"], "messages_per_minute": None, "enabled": True, "state": "stopped",
    }  # fmt: skip
    assert expected.items() <= bot.items()
    assert [bot["slug"] for bot in (await api.get("/v1/bots")).json()["items"]] == ["support", "default"]


async def test_without_a_name_a_bot_is_called_as_its_slug(api: httpx2.AsyncClient) -> None:
    assert (await api.post("/v1/bots", json={"slug": "support"})).json()["name"] == "support"


async def test_what_is_not_named_in_a_change_stays(api: httpx2.AsyncClient) -> None:
    before = await added(
        api,
        persona="You are kind.",
        llm_chain="ollama:llama3.2,groq:x",
        messages_per_minute=5,
        keywords=["cat", "dog"],
        token=token(),
    )
    after = (await api.patch("/v1/bots/support", json={"name": "Help", "messages_per_minute": None})).json()
    assert after == before | {"name": "Help", "messages_per_minute": None}
    stopped = (await api.patch("/v1/bots/support", json={"enabled": False})).json()
    assert stopped == after | {"enabled": False, "state": "stopped"}
    assert (await api.patch("/v1/bots/support", json={})).json() == stopped


async def test_no_answer_shows_a_token(api: httpx2.AsyncClient, db: Database) -> None:
    bot = await added(api, token=token(77))
    assert (bot["telegram_id"], bot["state"]) == ("77", "pending")
    [row] = await db.run("select sealed_token from bots where slug = 'support'")
    assert SEAL.open(row["sealed_token"]) == token(77)
    secrets = (token(77), token(77).split(":")[1], row["sealed_token"])
    answers = [
        await api.get("/v1/bots"),
        await api.get("/v1/bots/support"),
        await api.patch("/v1/bots/support", json={"token": token(77)}),
        await api.patch("/v1/bots/support", json={"token": token(77), "name": 7}),
        await api.patch("/v1/bots/support", json={"token": token(77) + " "}),
        await api.post("/v1/bots", json=SUPPORT | {"token": token(77)}),
        await api.post("/v1/bots", json={"slug": "other", "token": token(77)}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422, 422, 409, 409]
    assert not [answer.text for answer in answers for secret in secrets if secret in answer.text]


async def test_a_token_is_taken_away(api: httpx2.AsyncClient, db: Database) -> None:
    await added(api, token=token())
    bot = (await api.patch("/v1/bots/support", json={"token": None})).json()
    assert (bot["telegram_id"], bot["state"]) == (None, "stopped")
    [row] = await db.run("select sealed_token from bots where slug = 'support'")
    assert row["sealed_token"] is None


async def test_what_cannot_be_a_bot_is_refused_and_changes_nothing(api: httpx2.AsyncClient, db: Database) -> None:
    await added(api, token=token())
    before = await everything(db)
    other = {"slug": "other"}
    for body, type, status in (
        (SUPPORT, "bot-exists", 409),
        (other | {"token": token()}, "token-in-use", 409),
        (other | {"token": "123:short"}, "token-invalid", 422),
        (other | {"token": ""}, "invalid-request", 422),
        (other | {"name": ""}, "invalid-request", 422),
        (other | {"name": None}, "invalid-request", 422),
        (other | {"triggers": ["telepathy"]}, "invalid-request", 422),
        (other | {"access": "nobody"}, "invalid-request", 422),
        (other | {"llm_chain": "nobody:model"}, "llm-chain-invalid", 422),
        (other | {"llm_chain": "no provider"}, "llm-chain-invalid", 422),
        (other | {"keywords": ["a\x00b"]}, "invalid-request", 422),
        (other | {"messages_per_minute": -1}, "invalid-request", 422),
        (other | {"sealed_token": "x"}, "invalid-request", 422),
        ({"slug": "With Spaces"}, "invalid-request", 422),
        ({"slug": ""}, "invalid-request", 422),
    ):
        assert_problem(await api.post("/v1/bots", json=body), type, status)
    surrogate = b'{"slug": "other", "persona": "\\ud800"}'
    response = await api.post("/v1/bots", content=surrogate, headers={"Content-Type": "application/json"})
    assert_problem(response, "invalid-request", 422)
    assert_problem(await api.patch("/v1/bots/default", json={"token": token()}), "token-in-use", 409)
    assert_problem(await api.patch("/v1/bots/default", json={"slug": "other"}), "invalid-request", 422)
    assert await everything(db) == before


async def test_without_a_secret_key_no_token_is_kept(offline_api: httpx2.AsyncClient) -> None:
    response = await offline_api.post("/v1/bots", json=SUPPORT | {"token": token()})
    assert_problem(response, "secret-key-missing", 503)
    assert_problem(await offline_api.get("/v1/bots/support"), "bot-not-found", 404)


async def test_a_bot_is_deleted_unless_somebody_has_talked_to_it(api: httpx2.AsyncClient) -> None:
    await added(api)
    assert (await api.delete("/v1/bots/support")).status_code == 204
    await added(api)
    message = {"user_id": "anna", "chat_id": "anna", "text": "Hello", "bot": "support"}
    (await api.post("/v1/chat/handle", json=message)).raise_for_status()
    assert_problem(await api.delete("/v1/bots/support"), "bot-has-sessions", 409)


async def test_an_unknown_bot_is_not_found(api: httpx2.AsyncClient) -> None:
    for method in ("GET", "DELETE"):
        assert_problem(await api.request(method, "/v1/bots/nobody"), "bot-not-found", 404)
    assert_problem(await api.patch("/v1/bots/nobody", json={"name": "Somebody"}), "bot-not-found", 404)


async def test_a_relay_learns_of_bots_by_its_beat(api: httpx2.AsyncClient) -> None:
    relay, other = f"/v1/relays/{uuid4()}", f"/v1/relays/{uuid4()}"
    await added(api, token=token(5))
    given = (await api.post(relay, json={"bots": []})).json()
    [bot] = given["bots"]
    assert (given["lease_seconds"], bot["slug"], SEAL.open(bot["sealed_token"])) == (10, "support", token(5))
    running = {"slug": "support", "state": "running", "username": "support_bot"}
    await api.post(relay, json={"bots": [running]})
    shown = (await api.get("/v1/bots/support")).json()
    assert (shown["state"], shown["username"]) == ("running", "support_bot")
    assert (await api.post(other, json={"bots": []})).json()["bots"] == []
    assert (await api.delete(relay)).status_code == 204
    assert [bot["slug"] for bot in (await api.post(other, json={"bots": []})).json()["bots"]] == ["support"]


async def test_a_beat_that_makes_no_sense_is_refused(api: httpx2.AsyncClient) -> None:
    good = {"slug": "support", "state": "running"}
    wrong: list[Any] = [None, [{}], [good | {"state": "happy"}], [good | {"error": "\x00"}], [good] * 1_001]
    for bots in wrong:
        assert_problem(await api.post(f"/v1/relays/{uuid4()}", json={"bots": bots}), "invalid-request", 422)
    assert_problem(await api.post("/v1/relays/nonsense", json={"bots": []}), "invalid-request", 422)


async def test_a_check_says_what_it_found(api: httpx2.AsyncClient) -> None:
    await added(api)
    told = (await api.post("/v1/bots/support/check")).json()
    assert [(finding["part"], finding["ok"]) for finding in told["findings"]] == [
        ("bot support", False),
        ("models", False),
    ]
    assert not told["ok"]
    assert_problem(await api.post("/v1/bots/nobody/check"), "bot-not-found", 404)


async def test_nothing_that_the_process_writes_holds_a_token(settings: Settings, db: Database, tmp_path: Path) -> None:
    """Whatever goes wrong: the server that is asked about it is another backend, which has no such path."""
    environment = stores_of(settings) | {"SECRET_KEY": KEY, "LOG_LEVEL": "DEBUG"}
    async with process(tmp_path / "plain", environment) as another:
        variables = environment | {"TELEGRAM_API_URL": another}
        async with process(tmp_path / "output", variables) as address, httpx2.AsyncClient(base_url=address) as client:
            await added(client, token=token(77))
            assert_problem(await client.post("/v1/bots", json={"slug": "x", "token": token(77)}), "token-in-use", 409)
            assert_problem(
                await client.post("/v1/bots", json={"slug": "x", "token": f"{token(77)}!"}), "token-invalid", 422
            )
            checked = await client.post("/v1/bots/support/check")
            assert not checked.json()["ok"]
            told = {"slug": "support", "state": "failed", "error": f"{address}/bot{token(77)}/getMe"}
            for _ in range(2):
                await client.post(f"/v1/relays/{UUID(int=1)}", json={"bots": [told]})
            shown = await client.get("/v1/bots/support")
            assert shown.json()["last_error"] == f"{address}/bot…/getMe"
    written = (tmp_path / "output").read_text() + checked.text + shown.text
    assert written
    assert token(77).split(":")[1] not in written

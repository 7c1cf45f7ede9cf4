"""Providers, bots and who may write to them, set up on a page and live at once."""

from collections.abc import AsyncIterator, Mapping

import httpx2
import pytest
from pydantic import SecretStr

from backend.bots import Seal
from backend.database import Database
from backend.settings import Settings
from tests.backend.api.console.visiting import KEY, code_of, fill_in
from tests.backend.api.running import client_of, process, serving, stores_of
from tests.backend.bots.tokens import token
from tests.processes import until
from tests.simulators.provider import Answer, Fails, Provider
from tests.simulators.telegram import TelegramSimulator

HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello"}


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator() as telegram:
        yield telegram


@pytest.fixture
def unset(settings: Settings, telegram: TelegramSimulator) -> Settings:
    """Nobody has set anything up, but for what seals."""
    return settings.model_copy(update={"secret_key": SecretStr(KEY), "telegram_api_url": telegram.url})


@pytest.fixture
async def page(unset: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(unset) as app, client_of(app) as client:
        yield client


async def send(page: httpx2.AsyncClient, path: str, **form: str) -> httpx2.Response:
    code = await code_of(page, "/console/setup")
    return await fill_in(page, f"/console/setup/{path}", form | {"code": code})


def given(provider: Provider, **changed: str) -> Mapping[str, str]:
    return {"name": "stub", "address": provider.base_url, "key": "sk-right", "model": "simulated"} | changed


@pytest.fixture
async def guarded() -> AsyncIterator[Provider]:
    async with Provider(key="sk-right") as provider:
        yield provider


async def test_a_provider_that_answers_is_in_use_at_once(
    page: httpx2.AsyncClient, guarded: Provider, db: Database
) -> None:
    assert "offline" in (await page.post("/v1/chat/handle", json=HELLO)).json()["model"]
    guarded.will(Answer("Good morning."))
    answered = await send(page, "provider", **given(guarded))
    assert "Good morning." in answered.text
    assert "stub answered in" in answered.text
    assert (await page.post("/v1/chat/handle", json=HELLO)).json()["model"] == "stub:simulated"
    assert [(call["purpose"], call["outcome"]) for call in await db.run("select * from llm_calls order by id")] == [
        ("chat", "answered"), ("chat", "answered"),
    ]  # fmt: skip
    shown = (await page.get("/console/setup")).text
    assert "sk-right" not in shown + answered.text
    assert "sk-right" not in str(await db.run("select * from settings"))


@pytest.mark.parametrize(
    "changed",
    [{"key": "sk-wrong"}, {"model": "another"}, {"address": "http://127.0.0.1:9/v1"}],
    ids=["key", "model", "address"],
)
async def test_what_does_not_answer_is_not_saved_and_says_why(
    page: httpx2.AsyncClient, guarded: Provider, db: Database, changed: dict[str, str]
) -> None:
    refused = await send(page, "provider", **given(guarded, **changed))
    assert "Nothing was saved." in refused.text
    assert "model stub" in refused.text
    assert "sk-wrong" not in refused.text
    assert await db.run("select from settings") == []


async def test_a_provider_that_lists_models_and_does_not_talk_is_not_saved(
    page: httpx2.AsyncClient, guarded: Provider, db: Database
) -> None:
    guarded.usual = Fails(400)
    assert "did not answer: refused" in (await send(page, "provider", **given(guarded))).text
    assert await db.run("select from settings") == []


@pytest.mark.parametrize(
    "form",
    [{"name": ""}, {"name": "Stub"}, {"name": "a b"}, {"name": "x=y"}, {"name": "stub", "model": "a,openai"}],
    ids=str,
)
async def test_what_cannot_be_a_provider_is_refused(
    page: httpx2.AsyncClient, db: Database, form: dict[str, str]
) -> None:
    assert (await send(page, "provider", **form)).status_code == 422
    assert await db.run("select from settings") == []


async def test_the_key_of_a_known_service_cannot_be_led_elsewhere(
    page: httpx2.AsyncClient, guarded: Provider, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    refused = await send(page, "provider", **given(guarded, name="openai"))
    assert "Nothing was saved." in refused.text
    assert guarded.calls == []


async def test_the_last_one_set_up_is_asked_first_until_that_is_changed(
    page: httpx2.AsyncClient, guarded: Provider
) -> None:
    async with Provider() as other:
        await send(page, "provider", **given(guarded))
        await send(page, "provider", **given(other, name="other"))
        assert (await page.post("/v1/chat/handle", json=HELLO)).json()["model"] == "other:simulated"
        await send(page, "provider/first", entry="stub:simulated")
        assert (await page.post("/v1/chat/handle", json=HELLO)).json()["model"] == "stub:simulated"
        await send(page, "provider/remove", name="stub")
        assert (await page.post("/v1/chat/handle", json=HELLO)).json()["model"] == "other:simulated"
        await send(page, "provider/remove", name="other")
    assert "offline" in (await page.post("/v1/chat/handle", json=HELLO)).json()["model"]


async def test_the_environment_wins_and_the_page_says_so(
    unset: Settings, guarded: Provider, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_BASE_URL", guarded.base_url)
    monkeypatch.setenv("STUB_API_KEY", "sk-right")
    async with serving(unset.model_copy(update={"llm_chain": "stub:simulated"})) as app, client_of(app) as page:
        shown = (await page.get("/console/setup")).text
        assert "LLM_CHAIN in the environment says who is asked" in shown
        assert "The environment sets this up" in shown
        async with Provider() as other:
            await send(page, "provider", **given(other, name="other"))
            await send(page, "provider", **given(other, name="stub"))
            assert (await page.post("/v1/chat/handle", json=HELLO)).json()["model"] == "stub:simulated"
            assert len(other.calls) == 1  # when it was tried


async def test_another_process_takes_it_up_within_seconds(
    page: httpx2.AsyncClient, guarded: Provider, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    output = tmp_path_factory.mktemp("other") / "output"
    async with process(output, stores_of(settings) | {"SECRET_KEY": KEY}) as address, httpx2.AsyncClient() as client:
        await send(page, "provider", **given(guarded))

        async def has_it() -> bool:
            answer = await client.post(f"{address}/v1/chat/handle", json=HELLO)
            return bool(answer.json()["model"] == "stub:simulated")

        assert await until(has_it)


async def test_without_a_secret_key_the_page_says_what_to_do(
    settings: Settings, guarded: Provider, db: Database
) -> None:
    async with serving(settings) as app, client_of(app) as page:
        assert "SECRET_KEY is not set" in (await page.get("/console/setup")).text
        assert (await send(page, "provider", **given(guarded))).status_code == 503
    assert await db.run("select from settings") == []


async def test_a_token_that_telegram_knows_is_sealed(
    page: httpx2.AsyncClient, telegram: TelegramSimulator, db: Database
) -> None:
    saved = await send(page, "bot", slug="default", token=f" {telegram.token} ")
    assert "default is @test_bot" in saved.text
    [row] = await db.run("select sealed_token, username from bots")
    assert Seal([KEY]).open(row["sealed_token"]) == telegram.token
    assert row["username"] == "test_bot"
    assert telegram.token not in (await page.get("/console/setup")).text


@pytest.mark.parametrize(("token", "status"), [("x", 422), (token(77), 422), ("", 422)])
async def test_another_token_is_refused(page: httpx2.AsyncClient, db: Database, token: str, status: int) -> None:
    refused = await send(page, "bot", slug="default", token=token)
    assert (refused.status_code, refused.headers["hx-retarget"]) == (status, "#trouble")
    assert [row["sealed_token"] for row in await db.run("select sealed_token from bots")] == [None]


async def test_another_bot_is_added(page: httpx2.AsyncClient, telegram: TelegramSimulator, db: Database) -> None:
    await send(page, "bot", slug="support", name="Support", token=telegram.token)
    rows = await db.run("select slug, name, username from bots order by slug")
    assert [tuple(row) for row in rows] == [("default", "Assistant", ""), ("support", "Support", "test_bot")]


async def test_who_may_write_is_saved(page: httpx2.AsyncClient, db: Database) -> None:
    await send(page, "access", slug="default", access="list", owner="42", people="7, 8 8\n9")
    [row] = await db.run("select access, owner_id, allowed_user_ids from bots")
    assert tuple(row) == ("list", "42", ["7", "8", "9"])


async def test_as_many_may_be_named_as_by_the_api(page: httpx2.AsyncClient, db: Database) -> None:
    many = [str(10_000_000_000 + number) for number in range(1_000)]
    saved = await send(page, "access", slug="default", access="list", people=", ".join(many))
    assert "Saved for default." in saved.text
    assert [row["allowed_user_ids"] for row in await db.run("select allowed_user_ids from bots")] == [many]
    for refused in (", ".join([*many, "1"]), "1" * 129, "4\x002"):
        assert (await send(page, "access", slug="default", access="list", people=refused)).status_code == 422
    await send(page, "access", slug="default", access="list")
    assert [row["allowed_user_ids"] for row in await db.run("select allowed_user_ids from bots")] == [[]]


async def test_who_asks_is_let_in(page: httpx2.AsyncClient, db: Database) -> None:
    await send(page, "access", slug="default", access="pairing")
    await db.run(
        "insert into admissions (bot_id, user_id, user_name, chat_id, code)"
        " select id, '7', 'Anna', '7', 'ABCDEFGH' from bots"
    )
    await db.run(
        "insert into admissions (bot_id, user_id, chat_id, code, state, decided_at) select bots.id, 'u' || number, 'c',"
        " 'code ' || number, 'approved', now() from bots, generate_series(1, 300) as number"  # later than her
    )
    assert "Anna (id 7) asks to be let in" in (await page.get("/console/setup")).text
    await send(page, "admission", asking="ABCDEFGH", order="yes")
    assert [row["state"] for row in await db.run("select state from admissions where user_id = '7'")] == ["approved"]
    assert "asks to be let in" not in (await page.get("/console/setup")).text

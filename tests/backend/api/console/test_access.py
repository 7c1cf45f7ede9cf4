"""Who may see the console, and what that is worth elsewhere."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic import SecretStr

from backend.database import Database
from backend.settings import Settings
from backend.signing import LINK, console_signer
from tests.backend.api.assertions import assert_problem
from tests.backend.api.console.visiting import HTMX, KEY, PASSWORD, code_of, entered, fill_in
from tests.backend.api.running import client_of, serving

PAGES = ["/", "/console/talk", "/console/live", "/console/turns/5f1f6ad1-6c8c-4c55-9a5c-4f5d1f6b1c61"]
SIGNER = console_signer([KEY], PASSWORD)


@pytest.mark.parametrize("path", PAGES)
async def test_whoever_has_not_entered_is_led_to_the_door(stranger: httpx2.AsyncClient, path: str) -> None:
    response = await stranger.get(path)
    assert (response.status_code, response.headers["location"]) == (303, "/console/login")
    part = await stranger.get(path, headers=HTMX)
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/console/login")


async def test_the_password_opens_and_leaving_closes(stranger: httpx2.AsyncClient) -> None:
    code = await entered(stranger)
    assert "<h1>" in (await stranger.get("/")).text
    await fill_in(stranger, "/console/logout", {"code": code})
    assert (await stranger.get("/")).headers["location"] == "/console/login"


@pytest.mark.parametrize("password", ["", "open", "Open sesame", "open sesame ", "ключ", "x" * 1_000])
async def test_nothing_else_opens(stranger: httpx2.AsyncClient, password: str) -> None:
    response = await stranger.post("/console/login", data={"password": password})
    assert response.status_code == 403
    assert "This is not the password" in response.text
    assert "set-cookie" not in response.headers


async def test_a_guesser_has_to_wait_and_another_one_does_not(
    stranger: httpx2.AsyncClient, protected: Settings
) -> None:
    for _ in range(5):
        await stranger.post("/console/login", data={"password": "guess"})
    refused = await stranger.post("/console/login", data={"password": PASSWORD})
    assert (refused.status_code, "set-cookie" in refused.headers) == (429, False)
    assert int(refused.headers["retry-after"]) > 0
    async with serving(protected) as app, client_of(app, address="198.51.100.1") as other:
        await entered(other)


async def test_of_ipv6_a_whole_network_is_one_guesser(protected: Settings, db: Database) -> None:
    async with serving(protected) as app:
        for host in range(5):
            async with client_of(app, address=f"2001:db8::{host + 1:x}") as guesser:
                assert (await guesser.post("/console/login", data={"password": "guess"})).status_code == 403
        async with client_of(app, address="2001:db8::ffff") as guesser:
            assert (await guesser.post("/console/login", data={"password": PASSWORD})).status_code == 429


async def test_a_link_from_the_terminal_opens_once(stranger: httpx2.AsyncClient) -> None:
    link = SIGNER.issue(LINK, 60)
    first = await stranger.get("/console/enter", params={"link": link})
    assert (first.status_code, 'http-equiv="refresh"' in first.text) == (200, True)
    await code_of(stranger)
    stranger.cookies.clear()
    again = await stranger.get("/console/enter", params={"link": link})
    assert (again.status_code, "set-cookie" in again.headers) == (403, False)


@pytest.mark.parametrize(
    "link",
    ["", "made.up", SIGNER.issue(LINK, -1), SIGNER.issue("entered", 60), console_signer([KEY], "x").issue(LINK, 60)],
    ids=["none", "made up", "over", "a cookie", "of another password"],
)
async def test_no_other_link_opens(stranger: httpx2.AsyncClient, link: str) -> None:
    response = await stranger.get("/console/enter", params={"link": link})
    assert (response.status_code, "set-cookie" in response.headers) == (403, False)


async def test_the_cookie_is_kept_from_scripts_and_other_sites(stranger: httpx2.AsyncClient) -> None:
    plain = await stranger.post("/console/login", data={"password": PASSWORD})
    by_tls = await stranger.post("/console/login", data={"password": PASSWORD}, headers={"X-Forwarded-Proto": "https"})
    for response, secure in ((plain, False), (by_tls, True)):
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert ("secure" in cookie) is secure


PASSING = SIGNER.issue("passing", 60)
MADE_UP = {"empty": "", "short": "x", "unsigned": "a.99999999999.b", "quotes": '""', "passing": PASSING}


@pytest.mark.parametrize("made_up", MADE_UP.values(), ids=MADE_UP)
async def test_a_made_up_cookie_opens_nothing(stranger: httpx2.AsyncClient, made_up: str) -> None:
    response = await stranger.get("/", headers={"Cookie": f"llmbot_console={made_up}"})
    assert response.headers["location"] == "/console/login"


async def test_the_cookie_is_no_key_of_the_api(operator: httpx2.AsyncClient) -> None:
    assert_problem(await operator.get("/v1/sessions"), "unauthorized", 401)
    assert_problem(await operator.get("/metrics"), "unauthorized", 401)


async def test_a_key_of_the_api_does_not_open_the_console(stranger: httpx2.AsyncClient) -> None:
    response = await stranger.get("/", headers={"Authorization": "Bearer api-key"})
    assert response.headers["location"] == "/console/login"


@pytest.mark.parametrize(
    ("code", "headers"),
    [
        ("", {}),
        ("0" * 64, {}),
        ("theirs", {"Origin": "http://evil.example"}),
        ("theirs", {"Origin": "null"}),
        ("theirs", {"Origin": "http://127.0.0.1:3000"}),
    ],
    ids=str,
)
async def test_a_form_of_another_page_changes_nothing(
    operator: httpx2.AsyncClient, db: Database, code: str, headers: dict[str, str]
) -> None:
    code = await code_of(operator) if code == "theirs" else code
    response = await operator.post("/console/bots/default/stop", data={"code": code}, headers=headers)
    assert response.status_code == 403
    assert [row["enabled"] for row in await db.run("select enabled from bots")] == [True]


async def test_a_code_is_good_in_its_own_browser_alone(operator: httpx2.AsyncClient, protected: Settings) -> None:
    code = await code_of(operator)
    operator.cookies.clear()
    await entered(operator)
    assert (await fill_in(operator, "/console/bots/default/stop", {"code": code})).status_code == 403


async def test_another_page_cannot_enter_for_somebody(stranger: httpx2.AsyncClient) -> None:
    evil = {"Origin": "http://evil.example"}
    assert (await fill_in(stranger, "/console/login", {"password": PASSWORD}, evil)).status_code == 403


async def test_at_home_without_a_password_it_is_open(at_home: httpx2.AsyncClient, db: Database) -> None:
    code = await code_of(at_home)
    assert (await at_home.get("/console/login")).headers["location"] == "/"
    assert (await fill_in(at_home, "/console/bots/default/stop", {"code": code})).status_code == 200
    assert [row["enabled"] for row in await db.run("select enabled from bots")] == [False]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example:8080"}, {"Origin": "http://evil.example"}, {"X-Forwarded-For": "127.0.0.1"}],
    ids=str,
)
async def test_at_home_pages_of_others_and_proxies_are_refused(
    at_home: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    await code_of(at_home)
    response = await at_home.get("/", headers=headers)
    assert response.status_code == 403
    assert "closed" in response.text


@pytest.fixture(params=["elsewhere", "keys"])
async def passwordless(
    request: pytest.FixtureRequest, settings: Settings, db: Database
) -> AsyncIterator[httpx2.AsyncClient]:
    """From another machine; or from this one, where the API has keys."""
    keys = SecretStr("api-key" if request.param == "keys" else "")
    address = "127.0.0.1" if request.param == "keys" else "203.0.113.7"
    async with (
        serving(settings.model_copy(update={"api_keys": keys})) as app,
        client_of(app, address=address) as client,
    ):
        yield client


async def test_without_a_password_it_is_closed_and_says_how_to_open_it(passwordless: httpx2.AsyncClient) -> None:
    for path in ("/", "/console/login", "/console/talk"):
        response = await passwordless.get(path)
        assert response.status_code == 403
        assert "CONSOLE_PASSWORD" in response.text
    empty = await passwordless.post("/console/login", data={"password": ""})
    assert (empty.status_code, "set-cookie" in empty.headers) == (403, False)
    link = console_signer([], "").issue(LINK, 60)
    assert "set-cookie" not in (await passwordless.get("/console/enter", params={"link": link})).headers


async def test_pages_let_nothing_of_others_in(operator: httpx2.AsyncClient) -> None:
    for path in ("/", "/console/login", "/console/nowhere"):
        headers = (await operator.get(path)).headers
        if path == "/console/nowhere":
            continue
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


async def test_the_apis_description_is_read_without_asking_anybody_else(stranger: httpx2.AsyncClient) -> None:
    page = await stranger.get("/docs")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "//" not in page.text
    for asset in ("vendor/swagger-ui-bundle.js", "vendor/swagger-ui.css", "docs.js", "icon.svg"):
        assert (await stranger.get(f"/static/{asset}")).status_code == 200


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "vendor/../../app.py", "/etc/passwd"])
async def test_assets_do_not_lead_out(stranger: httpx2.AsyncClient, path: str) -> None:
    assert (await stranger.get(f"/static/{path}")).status_code in (401, 404)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/console/bots/a%00b/stop", {}),
        ("/console/talk", {"text": "Hello", "bot": "a\x00b"}),
        ("/console/talk/new", {"bot": "a\x00b"}),
        ("/console/talk/stop", {"bot": "a\x00b"}),
        ("/console/setup/access", {"slug": "default", "access": "list", "owner": "4\x002"}),
        ("/console/setup/admission", {"asking": "a\x00b", "order": "yes"}),
        ("/console/setup/bot", {"slug": "default", "token": "a\x00b"}),
        ("/console/setup/provider", {"name": "stub", "address": "http://127.0.0.1:9", "model": "a\x00b"}),
    ],
)
async def test_what_no_database_takes_is_refused(operator: httpx2.AsyncClient, path: str, form: dict[str, str]) -> None:
    assert (await fill_in(operator, path, form | {"code": await code_of(operator)})).status_code == 422

"""Who may ask."""

from collections.abc import AsyncIterator, Mapping

import httpx2
import pytest
from pydantic import SecretStr

from backend.database import Database
from backend.settings import Settings
from tests.backend.api.assertions import assert_problem
from tests.backend.api.running import client_of, serving

HELLO = {"user_id": "anna", "chat_id": "anna", "text": "Hello"}
KEYS = "first-key, ключ"


def bearing(credentials: bytes) -> Mapping[bytes, bytes]:
    return {b"Authorization": credentials}


@pytest.fixture(scope="module")
async def locked_application(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """With keys; the caller is somewhere in the world."""
    with_keys = settings.model_copy(update={"api_keys": SecretStr(KEYS)})
    async with serving(with_keys) as app, client_of(app, address="203.0.113.7") as client:
        yield client


@pytest.fixture
async def locked(locked_application: httpx2.AsyncClient, db: Database) -> httpx2.AsyncClient:
    return locked_application


@pytest.mark.parametrize(
    "credentials", [b"Bearer first-key", b"bearer first-key", "Bearer ключ".encode()], ids=["first", "lower", "second"]
)
async def test_every_key_opens(locked: httpx2.AsyncClient, credentials: bytes) -> None:
    response = await locked.post("/v1/chat/handle", json=HELLO, headers=bearing(credentials))
    assert response.status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        b"", b"Bearer", b"Bearer ", b"Bearer wrong", b"Bearer first-key,", b"Bearer first-key2", b"Bearer  first-key",
        b"first-key", b"Basic first-key", "Bearer ключи".encode(), b"\xff\xfe\xfd", b"Bearer \x80\x81",
        "Bearer ﬁrst-key".encode(), b"Bearer first-key, \xd0\xba\xd0\xbb\xd1\x8e\xd1\x87", b"x" * 10_000,
    ],
    ids=ascii,
)  # fmt: skip
async def test_nothing_else_opens(locked: httpx2.AsyncClient, credentials: bytes) -> None:
    response = await locked.post("/v1/chat/handle", json=HELLO, headers=bearing(credentials))
    assert_problem(response, "unauthorized", 401)
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1/sessions", "/health/ready", "/metrics", "/nowhere", "/health/"])
async def test_without_a_key_everything_else_is_closed(locked: httpx2.AsyncClient, path: str) -> None:
    assert_problem(await locked.get(path), "unauthorized", 401)
    assert_problem(await locked.get(path, headers={"Host": "127.0.0.1:8080"}), "unauthorized", 401)


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json"])
async def test_what_is_no_secret_is_open(locked: httpx2.AsyncClient, path: str) -> None:
    assert (await locked.get(path)).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:8080"])
async def test_without_keys_this_machine_is_served(offline_api: httpx2.AsyncClient, host: str) -> None:
    for headers in ({"Host": host}, {"Host": host, "Origin": f"http://{host}"}):
        assert (await offline_api.get("/v1/sessions", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8080"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "192.168.1.10:8080"},
        {"Host": "[2001:db8::1]:8080"},
        {"Host": "[::1"},
        {"Host": "::1"},
        {"Host": ""},
        {"Host": "127.0.0.1@evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "http://localhost:8080"},
        {"Origin": "null"},
        {"Origin": ""},
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
    ids=str,
)
async def test_without_keys_web_pages_and_proxies_are_refused(
    offline_api: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    assert_problem(await offline_api.post("/v1/chat/handle", json=HELLO, headers=headers), "unauthorized", 401)


@pytest.mark.parametrize("address", ["192.168.1.10", "203.0.113.7", "2001:db8::1", "0.0.0.0", "testclient", ""])
async def test_without_keys_other_machines_are_refused(settings: Settings, address: str) -> None:
    async with serving(settings) as app, client_of(app, address=address) as client:
        body = assert_problem(await client.post("/v1/chat/handle", json=HELLO), "unauthorized", 401)
        assert "API_KEYS" in body["detail"]
        assert (await client.get("/health")).status_code == 200


async def test_without_keys_the_loopback_address_of_ipv6_is_served(settings: Settings) -> None:
    async with serving(settings) as app, client_of(app, address="::1") as client:
        assert (await client.get("/v1/sessions", headers={"Host": "[::1]:8080"})).status_code == 200

"""Pages get out by a proxy that checks where to, and takes the very address that it has checked."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from backend.agents.skills.browser.proxy import CheckingProxy
from backend.agents.skills.web.addresses import Addresses
from tests.backend.agents.skills.test_web_escapes import NAMES, Names
from tests.simulators.website import Website


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website({"/a": "the page", "/b": "another"}) as site:
        yield site


@pytest.fixture
async def proxy(site: Website) -> AsyncIterator[CheckingProxy]:
    async with CheckingProxy(Addresses(site.host, Names().look_up)).opened() as proxy:
        yield proxy


async def ask(proxy: CheckingProxy, *parts: str) -> str:
    """What comes back, until it is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        for part in parts:
            writer.write(part.encode())
        await writer.drain()
        return (await reader.read()).decode(errors="replace")
    except ConnectionError:
        return ""
    finally:
        writer.close()


async def test_a_page_is_handed_on_without_what_is_the_proxys(site: Website, proxy: CheckingProxy) -> None:
    head = f"GET {site.url}/a?b=c HTTP/1.1\r\nHost: {site.host}\r\nProxy-Connection: keep-alive\r\nX-Own: 1\r\n\r\n"
    answer = await ask(proxy, head)
    assert answer.startswith("HTTP/1.1 200")
    assert answer.endswith("the page")
    assert "\r\nConnection: close\r\n" in answer
    assert site.asked == ["GET /a?b=c"]
    assert site.headers[0].keys() == {"Host", "X-Own", "Connection"}


async def test_what_is_posted_arrives(site: Website, proxy: CheckingProxy) -> None:
    head = f"POST {site.url}/ordered HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    answer = await ask(proxy, head + "Content-Length: 20\r\n\r\n", "name=Anna&kind=green")
    assert "Thank you, Anna" in answer


async def test_a_second_request_does_not_go_where_the_first_went(site: Website, proxy: CheckingProxy) -> None:
    one = f"GET {site.url}/a HTTP/1.1\r\nHost: x\r\n\r\n"
    await ask(proxy, one, "GET http://other.example/secret HTTP/1.1\r\nHost: other.example\r\n\r\n")
    assert not any("secret" in asked for asked in site.asked)


async def test_a_tunnel_leads_to_what_the_operator_allows(site: Website, proxy: CheckingProxy) -> None:
    answer = await ask(
        proxy, f"CONNECT {site.host} HTTP/1.1\r\n\r\n", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK")
    assert answer.endswith("the page")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:443",
        "localhost:443",
        "169.254.169.254:443",
        "[::1]:443",
        "[::ffff:127.0.0.1]:443",
        "0x7f.1:443",
        "example.com:22",
        "user@127.0.0.1:443",
        *(f"{name}:443" for name in NAMES),
    ],
)
async def test_nothing_leads_inside(site: Website, proxy: CheckingProxy, host: str) -> None:
    tunnel = await ask(proxy, f"CONNECT {host} HTTP/1.1\r\n\r\n")
    assert tunnel.startswith("HTTP/1.1 403") or tunnel == ""
    plain = await ask(proxy, f"GET http://{host.replace(':443', '')}/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert plain.startswith("HTTP/1.1 403")
    assert proxy.refused
    assert site.asked == []


@pytest.mark.parametrize(
    "nonsense", ["\r\n\r\n", "GET\r\n\r\n", "GET /a HTTP/1.1\r\n\r\n", "CONNECT x\r\n\r\n", "é\r\n\r\n"]
)
async def test_nonsense_leads_nowhere(site: Website, proxy: CheckingProxy, nonsense: str) -> None:
    assert not (await ask(proxy, nonsense)).startswith("HTTP/1.1 200")
    assert site.asked == []


async def test_a_page_cannot_take_without_an_end(
    site: Website, proxy: CheckingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.agents.skills.browser.proxy.MOST_BYTES", 1 << 20)
    async with CheckingProxy(Addresses(site.host)).opened() as small:
        answer = await ask(small, f"GET {site.url}/huge HTTP/1.1\r\nHost: x\r\n\r\n")
    assert 0 < len(answer) < (1 << 20) + (128 << 10)

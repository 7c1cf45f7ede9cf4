"""Agents use a real Chromium on real pages, and pages use nobody: they reach nothing inside, and decide nothing."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from backend.agents.skills.browser.host import Host
from backend.agents.skills.skill import Danger, Failed, Refused, Uncertain
from backend.agents.skills.web.addresses import Addresses
from tests.backend.agents.skills.browsing import FOUND, Hands
from tests.backend.agents.skills.test_web_escapes import Names
from tests.processes import until
from tests.simulators.website import Website

pytestmark = pytest.mark.skipif(bool(FOUND.missing()), reason=f"no browser here: {FOUND.missing()}")

# Every way in which a page may ask for something.
INSIDE = """<h1>Hello</h1><img src="{0}/image"><script src="{0}/script"></script><link rel=stylesheet href="{0}/style">
<link rel=prefetch href="{0}/prefetch"><link rel=preconnect href="{0}"><iframe src="{0}/frame"></iframe>
<object data="{0}/object"></object><video src="{0}/video"></video>
<form id=form method=post action="{0}/form" target=f></form>
<iframe name=f></iframe><div style="background: url({0}/background)">.</div><script>
const said = []
fetch('{0}/fetch', {{mode: 'no-cors'}}).catch(() => said.push('fetch'))
navigator.sendBeacon('{0}/beacon', 'secret')
new EventSource('{0}/events')
new WebSocket('{1}/socket')
form.submit()
open('{0}/window')
try {{ new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:3478'}}]}}).createDataChannel('x') }} catch {{}}
</script>"""


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Website]:
    async with Website() as site:
        yield site


@pytest.fixture(scope="module")
async def host(site: Website) -> AsyncIterator[Host]:
    """One Chromium for all, kept by a page that nobody uses."""
    host = Host(FOUND.program, Addresses(site.host, Names().look_up))
    await host.use(lambda chromium: chromium.open(UUID(int=1), "en"))
    yield host
    await host.close()


@pytest.fixture
async def hands(host: Host, site: Website) -> AsyncIterator[Hands]:
    site.asked.clear()
    site.headers.clear()
    hands = Hands(host, words=f"Order black tea for Anna Smith at {site.url}/form")
    yield hands
    await hands.leave()


async def test_a_form_is_filled_in_and_sent_when_the_person_says_so(site: Website, hands: Hands) -> None:
    opened = await hands.do("open", address=f"{site.url}/form")
    assert opened.origin == f"the page {site.url}/form"
    assert "# Orders\nOrder tea" in opened.text
    assert "[1] input text 'Name'\n[2] select select-one 'Kind' = 'green' of green | black" in opened.text
    assert await hands.danger("type", element=1, text="anna  SMITH") is Danger.SAFE
    await hands.do("type", element=1, text="Anna Smith")
    await hands.do("type", element=2, text="black")
    press = await hands.number("Order now")
    assert await hands.danger("click", element=press) is Danger.CONFIRM
    asked = await hands.preview("click", element=press)
    assert asked.startswith("Click 'Order now'\n")
    assert asked.endswith(f"POST {site.url}/ordered\nname = Anna Smith\nkind = black\nsecret = ")
    thanks = await hands.do("click", element=press)
    assert "Thank you, Anna Smith" in thanks.text
    assert "Your black tea is on its way, order 4711." in thanks.text
    [picture] = (await hands.do("screenshot")).files
    assert (picture.name, picture.media_type, picture.content[:8]) == ("page.png", "image/png", b"\x89PNG\r\n\x1a\n")


async def test_a_page_can_read_what_is_typed_so_what_the_model_composed_is_asked_about(
    site: Website, hands: Hands
) -> None:
    await hands.do("open", address=f"{site.url}/form")
    assert await hands.danger("type", element=1, text="the secret of another page") is Danger.CONFIRM
    assert await hands.danger("type", element=2, text="green") is Danger.SAFE
    assert await hands.danger("type", element=3, text="Anna") is Danger.CONFIRM
    assert "hunter2" in await hands.preview("type", element=3, text="hunter2")
    skill = hands.skills["browser_type"]
    assert "hunter2" not in str(skill.redacted(skill.read({"element": 3, "text": "hunter2"})))
    assert skill.grants(skill.read({"element": 3, "text": "hunter2"})) is None


async def test_a_link_is_followed_and_not_pressed(site: Website, hands: Hands) -> None:
    site.pages["/links"] = """<a href="/about">About</a><script>
        document.querySelector('a').addEventListener('click', () => fetch('/stolen'))</script>"""
    site.pages["/about"] = "<h1>About us</h1>"
    await hands.do("open", address=f"{site.url}/links")
    assert await hands.danger("click", element=1) is Danger.SAFE
    assert "About us" in (await hands.do("click", element=1)).text
    assert site.asked == ["GET /links", "GET /about"]


async def test_whatever_else_can_be_pressed_is_asked_about(site: Website, hands: Hands) -> None:
    site.pages[
        "/presses"
    ] = """<a href="#" onclick="buy()">Cancel</a><a href="javascript:buy()">b</a><a role=button href="/c">c</a>
        <a href="/d" download>d</a><button>e</button><form><button>f</button></form><div onclick="buy()">g</div>
        <input type=checkbox><form method=post><input type=image alt=h></form><span role=button>i</span>"""
    opened = await hands.do("open", address=f"{site.url}/presses")
    count = opened.text.count("\n[")
    assert count == 10
    assert {await hands.danger("click", element=number) for number in range(1, count + 1)} == {Danger.CONFIRM}


async def test_where_a_secret_was_typed_even_links_are_asked_about(site: Website, hands: Hands) -> None:
    await hands.do("open", address=f"{site.url}/form")
    about = await hands.number("About us")
    assert await hands.danger("click", element=about) is Danger.SAFE
    await hands.do("type", element=await hands.number("Secret"), text="hunter2")
    assert await hands.danger("click", element=await hands.number("About us")) is Danger.CONFIRM


async def test_a_number_holds_until_the_next_look_and_only_while_it_is_the_same_thing(
    site: Website, hands: Hands
) -> None:
    site.pages["/changing"] = (
        """<input oninput="document.querySelector('button').innerText = 'Buy'"><button>Cancel</button>"""
    )
    await hands.do("open", address=f"{site.url}/changing")
    await hands.do("type", element=1, text="Anna")
    with pytest.raises(Refused, match="2 has changed"):
        await hands.do("click", element=2)
    await hands.do("read")
    with pytest.raises(Refused, match="no element 1"):
        await hands.do("type", element=1, text="Anna")
    with pytest.raises(Refused, match="nothing can be typed"):
        await hands.do("type", element=4, text="Anna")


async def test_a_page_reaches_nothing_inside(site: Website, hands: Hands) -> None:
    async with Website({"/": "the secret"}) as inside:
        site.pages["/inside"] = INSIDE.format(inside.url, inside.url.replace("http", "ws"))
        site.pages["/by-name"] = INSIDE.format("http://loopback.example", "ws://loopback.example")
        site.pages["/refresh"] = f'<meta http-equiv=refresh content="0; url={inside.url}/refresh">'
        site.pages["/location"] = f"<script>location = '{inside.url}/location'</script>"
        for path in ("/inside", "/by-name", "/refresh", "/location", f"/to?where={inside.url}/redirect"):
            try:
                opened = await hands.do("open", address=site.url + path)
            except (Refused, Failed):
                continue
            assert "the secret" not in opened.text
            assert "the secret" not in (await hands.do("read")).text
        assert inside.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "chrome://version",
        "view-source:http://127.0.0.1/",
        "about:blank",
        "data:text/html,x",
        "javascript:alert(1)",
        "http://127.0.0.1/",
        "http://169.254.169.254/",
        "http://[::1]/",
    ],
)
async def test_addresses_are_those_of_pages(hands: Hands, address: str) -> None:
    with pytest.raises(Refused):
        await hands.do("open", address=address)


async def test_so_are_those_that_names_and_pages_lead_to(site: Website, hands: Hands) -> None:
    for address in ("http://metadata.example/", "https://mapped.example/", f"{site.url}/to?where=http://[::1]/"):
        with pytest.raises(Refused, match="private"):
            await hands.do("open", address=address)
    with pytest.raises((Refused, Failed)):
        await hands.do("open", address=f"{site.url}/to?where=file:///etc/passwd")


async def test_a_page_that_opens_another_is_left_for_it(site: Website, hands: Hands) -> None:
    site.pages["/opens"] = "<button onclick=\"window.open('/about')\">More</button>"
    site.pages["/about"] = "<h1>About us</h1>"
    await hands.do("open", address=f"{site.url}/opens")
    await hands.do("click", element=1)
    assert "About us" in (await hands.do("read")).text


async def test_nothing_is_left_of_a_page_that_closed_itself(site: Website, host: Host, hands: Hands) -> None:
    site.pages["/opens"] = "<button onclick=\"window.open('/closes')\">More</button>"
    site.pages["/closes"] = "<script>setTimeout(() => window.close(), 500)</script>"
    before = await contexts(host)
    await hands.do("open", address=f"{site.url}/opens")
    with suppress(Failed):
        await hands.do("click", element=1)

    async def closed() -> bool:
        try:
            await hands.do("read")
        except Failed:
            return True
        return False

    await until(closed)
    assert "Order tea" in (await hands.do("open", address=f"{site.url}/form")).text
    assert await contexts(host) == before + 1


async def contexts(host: Host) -> int:
    async def count(chromium: Any) -> int:
        return len(chromium._browser.contexts)

    return await host.use(count)


async def test_nothing_is_downloaded(site: Website, hands: Hands) -> None:
    site.pages["/file"] = web.Response(body=b"x", headers={"Content-Disposition": "attachment"})
    with pytest.raises(Failed):
        await hands.do("open", address=f"{site.url}/file")


async def test_steps_share_no_cookies(site: Website, host: Host, hands: Hands) -> None:
    site.pages["/cookie"] = web.Response(text="x", headers={"Set-Cookie": "who=me"})
    other = Hands(host, hands.context.words)
    await hands.do("open", address=f"{site.url}/cookie")
    await other.do("open", address=f"{site.url}/about")
    await other.leave()
    await hands.do("open", address=f"{site.url}/about")
    assert [headers.get("Cookie") for headers in site.headers] == [None, None, "who=me"]


async def test_a_page_that_does_not_let_go_is_given_up(
    site: Website, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("LOAD_SECONDS", "SETTLE_SECONDS", "LOOK_SECONDS", "ACT_SECONDS"):
        monkeypatch.setattr(f"backend.agents.skills.browser.page.{limit}", 1)
    site.pages["/busy"] = "<script>setTimeout(() => { while (true) {} })</script>"
    with pytest.raises(Failed, match=r"too busy|Timeout"):
        await hands.do("open", address=f"{site.url}/busy")


@pytest.mark.parametrize("hangs", ["while (true) {}", "setTimeout(() => { while (true) {} }, 100)"])
async def test_a_click_whose_end_is_not_seen_may_have_happened(
    site: Website, hands: Hands, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    for limit in ("SETTLE_SECONDS", "LOOK_SECONDS", "ACT_SECONDS"):
        monkeypatch.setattr(f"backend.agents.skills.browser.page.{limit}", 1)
    site.pages["/buy"] = f'<button onclick="{hangs}">Buy</button>'
    await hands.do("open", address=f"{site.url}/buy")
    with pytest.raises(Uncertain):
        await hands.do("click", element=1)


async def test_what_could_not_be_clicked_was_not(site: Website, hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.agents.skills.browser.page.ACT_SECONDS", 1)
    site.pages["/covered"] = """<button>Buy</button><div style="position: fixed; inset: 0">Cookies?</div>"""
    await hands.do("open", address=f"{site.url}/covered")
    with pytest.raises(Failed) as failed:
        await hands.do("click", element=1)
    assert not isinstance(failed.value, Uncertain)


async def test_a_page_is_gone_with_its_step_and_that_is_said(site: Website, hands: Hands) -> None:
    for name in ("read", "screenshot"):
        with pytest.raises(Failed, match="open it anew"):
            await hands.do(name)
    await hands.do("open", address=f"{site.url}/form")
    await hands.leave()
    with pytest.raises(Refused, match="open it anew"):
        await hands.danger("click", element=1)

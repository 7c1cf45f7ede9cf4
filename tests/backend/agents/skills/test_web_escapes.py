"""Nobody talks a skill into this machine's network: every address is checked, and the checked one is taken."""

from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address

import pytest
from yarl import URL

from backend.agents.skills.skill import Failed, Refused
from backend.agents.skills.web.addresses import Addresses, is_public
from backend.agents.skills.web.fetch import Wanted, WebFetch
from backend.agents.skills.web.fetching import Pinned, fetch
from tests.backend.agents.skills.contexts import CONTEXT
from tests.simulators.website import Website

PUBLIC = "93.184.216.34"
ADDRESSES = [
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://127。0。0。1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1./",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://172.16.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[2606:4700::1111%25eth0]/",
    "http://[ff02::1]/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1@example.com/",
    "http://user:password@example.com/",
    "http://@example.com/",
    "http://example.com:22/",
    "http://example.com:6379/",
    "http://example.com:0/",
    "http://example.com\\@127.0.0.1/",
    "http://exa\tmple.com/",
    "http://example.com/\r\nHost: 127.0.0.1",
    "http://exam\u200bple.com/",
    "http://-.example.com/",
    "http://[127.0.0.1]/",
    "http:///etc/passwd",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://example.com/",
    "data:text/html,hello",
    "javascript:alert(1)",
    "dict://127.0.0.1:11211/",
    "unix:///run/docker.sock",
    "//127.0.0.1/",
    "https://example.com/" + "a" * 2_000,
]
NAMES = {
    "loopback.example": ["127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "intranet.example": ["10.1.2.3"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "ipv6.example": ["::1"],
    "unique.example": ["fd12:3456::1"],
    "one-of-two.example": [PUBLIC, "192.168.0.1"],
    "zone.example": ["fe80::1%2"],
}
# But for what no header can hold, what is too long before it leads on, and what is harmless when it is put together.
HARMLESS = ("http:///etc/passwd", "http://@example.com/")
LEADING_ON = [to for to in ADDRESSES if to.isprintable() and len(to) < 1_000 and to not in HARMLESS]
LEADING_ON += [f"http://{name}/" for name in NAMES]


class Names:
    """A resolver that is the attacker's: of each host it gives one answer after the other, the last for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    async def look_up(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host in NAMES:
            return NAMES[host]
        answers = self.answers.get(host.rstrip("."), [])
        if not answers:
            raise OSError("no such host")
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website({"/inner": "the secret"}) as site:
        yield site


@pytest.fixture
def skill(site: Website) -> WebFetch:
    """The site is one that the operator allows, so that all that leads on from there can be tried."""
    return WebFetch(Addresses(site.host, Names().look_up))


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_that_skills_do_not_reach_is_refused_before_anybody_is_asked(
    skill: WebFetch, address: str
) -> None:
    params = Wanted.model_construct(address=address, start=0)
    for attempt in (skill.weigh, skill.preview, skill.run):
        with pytest.raises(Refused):
            await attempt(params, CONTEXT)


@pytest.mark.parametrize("name", NAMES)
async def test_so_is_a_name_that_leads_there(skill: WebFetch, name: str) -> None:
    with pytest.raises(Refused, match="private"):
        await skill.run(Wanted(address=f"https://{name}/"), CONTEXT)


@pytest.mark.parametrize("where", LEADING_ON)
async def test_so_is_what_a_page_leads_on_to(site: Website, skill: WebFetch, where: str) -> None:
    to = URL(f"{site.url}/to").with_query(where=where)
    with pytest.raises(Refused):
        await skill.run(Wanted.model_construct(address=str(to), start=0), CONTEXT)
    assert [asked.split("?")[0] for asked in site.asked] == ["GET /to"]


async def test_a_host_is_allowed_with_its_port_and_not_by_another_name(site: Website, skill: WebFetch) -> None:
    port = site.host.split(":")[1]
    for host in ("localhost", "[::ffff:127.0.0.1]", "127.0.0.2", "127.1"):
        with pytest.raises(Refused):
            await skill.run(Wanted(address=f"http://{host}:{port}/inner"), CONTEXT)
    assert site.asked == []
    assert (await skill.run(Wanted(address=f"{site.url}/inner"), CONTEXT)).text == "the secret"


async def test_a_name_that_leads_elsewhere_when_it_is_used_is_of_no_use() -> None:
    names = Names(rebinding_example=[[PUBLIC], ["127.0.0.1"]])
    addresses = Addresses(look_up=names.look_up)
    assert await addresses.resolve("rebinding.example", 80) == [PUBLIC]
    with pytest.raises(Refused, match="private"):
        await fetch(addresses, addresses.read("http://rebinding.example/"))
    assert len(names.asked) == 2


async def test_a_connection_gets_addresses_that_nobody_resolves_again() -> None:
    names = Names(rebinding_example=[[PUBLIC], ["127.0.0.1"]])
    [pinned] = await Pinned(Addresses(look_up=names.look_up)).resolve("rebinding.example", 443)
    assert (pinned["host"], pinned["port"], names.asked) == (PUBLIC, 443, ["rebinding.example"])


async def test_a_name_that_there_is_not_is_said_to_be_none(skill: WebFetch) -> None:
    with pytest.raises(Failed, match="no address"):
        await skill.run(Wanted(address="https://nowhere.example/"), CONTEXT)


@pytest.mark.parametrize(
    ("path", "why"),
    [("/huge", "larger than 2 MB"), ("/bomb", "larger than 2 MB"), ("/round", "more than 5 times")],
)
async def test_nobody_is_made_to_choke(site: Website, skill: WebFetch, path: str, why: str) -> None:
    with pytest.raises(Failed, match=why):
        await skill.run(Wanted(address=site.url + path), CONTEXT)
    assert len(site.asked) <= 6


async def test_nor_to_wait(site: Website) -> None:
    addresses = Addresses(site.host)
    with pytest.raises(Failed, match="did not come within"):
        await fetch(addresses, addresses.read(f"{site.url}/drip"), seconds=0.3)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_the_internet_at_large_is_reached(address: str) -> None:
    assert is_public(ip_address(address))

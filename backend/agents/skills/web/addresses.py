"""Where skills may connect to: public addresses by http(s), and the private hosts that the operator has named."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from yarl import URL

from backend.agents.skills.skill import Failed, Refused

LONGEST_ADDRESS = 2_000
SCHEMES = ("http", "https")
# With a number behind it, it is a host with its port.
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)
PORTS = frozenset({80, 443, 8080, 8443})
CREDENTIALS = re.compile(r"(?:[^/?#]*://)?[^/?#]*@")
HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
# What a resolver may take for an address, in whatever base (WHATWG URL, "ends in a number").
NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u2060-\u206f\ufeff\\]")

# Python holds these for global, but they lead to the machine's own cloud, or to whoever relays 6to4.
NOT_PUBLIC_4 = [ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")]
# Global unicast (RFC 4291), but for what wraps IPv4 (6to4, Teredo) or is kept for documents, benchmarks and hashes.
PUBLIC_6 = ip_network("2000::/3")
NOT_PUBLIC_6 = [
    ip_network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16")
]
NAT64 = ip_network("64:ff9b::/96")

LookUp = Callable[[str, int], Awaitable[Sequence[str]]]


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, as this machine resolves it. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class Addresses:
    """Decides where may be connected to; whoever connects takes the very addresses that were checked."""

    def __init__(self, private_hosts: str = "", look_up: LookUp = look_up) -> None:
        """`private_hosts` lists `host` or `host:port`, by commas: these are not checked further."""
        self._private = frozenset(host.strip().lower() for host in private_hosts.split(",") if host.strip())
        self._look_up = look_up

    def read(self, address: str) -> URL:
        """An address as it will be asked for, without its fragment. Raises `Refused`."""
        if len(address) > LONGEST_ADDRESS or UNSEEN.search(address):
            raise Refused("this is no address: it is too long, or has characters in it that no address has")
        try:
            url = URL(address if SCHEME.match(address) else f"https://{address}")
            host, port = url.raw_host, url.port
        except ValueError as error:
            raise Refused("this is no address that can be read") from error
        if url.scheme not in SCHEMES or not host or not port:
            raise Refused("only addresses with http:// or https:// and a host can be asked for")
        if CREDENTIALS.match(address):
            raise Refused("addresses with a user name or a password in them are not asked for")
        self.check(host, port)
        return url.with_fragment(None)

    def check(self, host: str, port: int) -> None:
        """What can be told without resolving the host. Raises `Refused`."""
        if self._named_by_operator(host, port):
            return
        if port not in PORTS:
            raise Refused(f"port {port} is not asked: {', '.join(map(str, sorted(PORTS)))} are")
        if literal := _literal(host):
            _check_public(literal)
        elif not HOST_NAME.fullmatch(host.rstrip(".").lower()) or NUMBER.fullmatch(_last_label(host)):
            raise Refused("the host is neither a name nor an address in its usual form")

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses to connect to, all of them checked. Raises `Refused`, or `Failed` if there is none."""
        self.check(host, port)
        if _literal(host):
            return [host]
        try:
            found = list(dict.fromkeys(await self._look_up(host, port)))
        except OSError as error:
            raise Failed("the host has no address: check the name") from error
        if not self._named_by_operator(host, port):
            for address in found:
                _check_public(ip_address(address))
        return found

    def _named_by_operator(self, host: str, port: int) -> bool:
        host = host.rstrip(".").lower()
        named = f"[{host}]" if ":" in host else host
        return bool({host, named, f"{named}:{port}"} & self._private)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _last_label(host: str) -> str:
    return host.rstrip(".").lower().rpartition(".")[2]


def _check_public(address: IPv4Address | IPv6Address) -> None:
    if not is_public(address):
        raise Refused("the host is in a private or reserved network, which skills do not reach")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is of the internet at large; one that wraps IPv4 is if that is."""
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return False
        wrapped = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None)
        if wrapped:
            return is_public(wrapped)
        return address in PUBLIC_6 and not any(address in network for network in NOT_PUBLIC_6)
    special = address.is_multicast or address.is_reserved or any(address in network for network in NOT_PUBLIC_4)
    return address.is_global and not special

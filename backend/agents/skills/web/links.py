"""The links of a page, which its text does not tell."""

import html
import re
from collections.abc import Iterator

from yarl import URL

from backend.agents.skills.web.addresses import LONGEST_ADDRESS, SCHEMES
from backend.agents.skills.web.fetching import Page

# So many are told, of so much of the page, each with so much of its text.
MOST_LINKS, MOST_BYTES, LONGEST_TEXT = 40, 200_000, 80
# Every part is bounded, so that no page takes long; what is longer is no link worth telling.
LINK = re.compile(
    r"""<a\s[^<>]{0,300}?href\s{0,9}=\s{0,9}(?:"([^"<>]{1,2000})"|'([^'<>]{1,2000})')[^<>]{0,300}>(.{0,400}?)</a""",
    re.IGNORECASE | re.DOTALL,
)
TAG = re.compile(r"<[^<>]{0,400}>")


def links(page: Page) -> str:
    """As they are shown to a model: nothing if there are none."""
    found: dict[str, str] = {}
    for address, text in _links(page):
        found.setdefault(address, text)
        if len(found) == MOST_LINKS:
            break
    lines = [f"- {text}: {address}" for address, text in found.items()]
    return "\n\nLinks:\n" + "\n".join(lines) if lines else ""


def _links(page: Page) -> Iterator[tuple[str, str]]:
    """Those that lead to other pages, and say something."""
    for link in LINK.finditer(page.content[:MOST_BYTES].decode(errors="replace")):
        text = plain(link[3])[:LONGEST_TEXT]
        address = _joined(page.url, html.unescape(link[1] or link[2]).strip())
        if text and address:
            yield address, text


def plain(text: str) -> str:
    """On one line, without tags and entities."""
    return " ".join(html.unescape(TAG.sub("", text)).split())


def _joined(base: URL, href: str) -> str:
    """Nothing for what is no page of its own."""
    try:
        url = base.join(URL(href)).with_fragment(None)
    except ValueError:
        return ""
    address = str(url)
    return address if url.scheme in SCHEMES and url != base and len(address) <= LONGEST_ADDRESS else ""

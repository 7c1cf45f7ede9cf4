"""Reads a page of the web: public ones only, asked for as a stranger, turned into text by the reader's own process."""

import asyncio

from pydantic import BaseModel, Field

from backend import reader
from backend.agents.skills.skill import Context, Danger, Failed, Preview, Result, Skill
from backend.agents.skills.web import provenance
from backend.agents.skills.web.addresses import LONGEST_ADDRESS, Addresses
from backend.agents.skills.web.fetching import Page, fetch
from backend.agents.skills.web.links import links
from backend.reader import Kind, Section, Unreadable

# So much of a page a model is shown at once.
MOST_CHARACTERS = 30_000
KINDS = {
    "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.HTML,
    "application/pdf": Kind.PDF,
    Kind.DOCX: Kind.DOCX,
    "text/markdown": Kind.MARKDOWN,
}
# What is text besides `text/…`.
TEXTS = ("json", "xml", "javascript", "yaml")
WHY: dict[reader.Reason, str] = {
    "unreadable": "the page is none that can be read",
    "too-long": "the page takes too long to read",
    "encrypted": "the document is encrypted",
    "empty": "there is no text in the page",
}


class Wanted(BaseModel):
    """What a model gives."""

    address: str = Field(max_length=LONGEST_ADDRESS, description="The page's address, as https://example.com/page")
    start: int = Field(default=0, ge=0, description="From which character to go on, where a page was cut")


class WebFetch(Skill[Wanted]):
    name = "web_fetch"
    family = "web"
    description = (
        "Reads a page of the web (HTML, PDF, Word, text) and returns its text and links."
        " Use addresses that the person gave or that were found, as they are; any other has to be confirmed."
    )
    parameters = Wanted
    seconds = 60.0

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    async def weigh(self, params: Wanted, context: Context) -> Danger:
        return provenance.weigh(self._addresses.read(params.address), context)

    def has_effect(self, params: Wanted) -> bool:
        """Asking for a page twice is no harm."""
        return False

    def grants(self, params: Wanted) -> str:
        return f"{self.name} {self._addresses.read(params.address).host_port_subcomponent}"

    async def preview(self, params: Wanted, context: Context) -> Preview:
        url = self._addresses.read(params.address)
        return Preview(f"GET {url.host_port_subcomponent}", f"GET {url}")

    async def run(self, params: Wanted, context: Context) -> Result:
        page = await fetch(self._addresses, self._addresses.read(params.address))
        text = await _text(page)
        found = await asyncio.to_thread(links, page) if params.start == 0 and _kind(page) is Kind.HTML else ""
        return Result(_part(text, params.start) + found, origin=f"the page {page.url}")


def _kind(page: Page) -> Kind:
    if page.media_type in KINDS:
        return KINDS[page.media_type]
    if page.media_type.startswith("text/") or page.media_type.endswith(TEXTS):
        return Kind.TEXT
    if page.media_type == "application/octet-stream" and (kind := reader.kind_of(page.content, page.url.name)):
        return kind
    raise Failed(f"it is {page.media_type}: only pages, texts, PDF and Word documents can be read")


async def _text(page: Page) -> str:
    kind = _kind(page)
    content = page.content if kind in (Kind.PDF, Kind.DOCX) else _in_utf8(page)
    try:
        sections = await reader.read(content, kind)
    except Unreadable as error:
        raise Failed(WHY[error.reason]) from error
    return "\n\n".join(
        _with_heading(before, section) for before, section in zip([None, *sections], sections, strict=False)
    )


def _with_heading(before: Section | None, section: Section) -> str:
    """A section's own heading, where it is another than the one above, goes before its text."""
    if not section.headings or (before and before.headings == section.headings):
        return section.text
    return f"{'#' * len(section.headings)} {section.headings[-1]}\n{section.text}"


def _in_utf8(page: Page) -> bytes:
    """What the server says about the encoding goes before what the page says (WHATWG HTML, 13.2.3.2)."""
    try:
        return b"\xef\xbb\xbf" + page.content.decode(page.charset, "replace").encode() if page.charset else page.content
    except LookupError:
        return page.content


def _part(text: str, start: int) -> str:
    part, rest = text[start : start + MOST_CHARACTERS], len(text) - start - MOST_CHARACTERS
    return part if rest <= 0 else f"{part}\n[{rest} characters more: go on with start={start + MOST_CHARACTERS}]"

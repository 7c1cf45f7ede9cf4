"""Parts of a page that come while it is open: server-sent events with HTML, which htmx puts where they belong."""

from collections.abc import AsyncIterator

from markupsafe import escape
from starlette.responses import StreamingResponse

# A proxy that gathers what it passes on would keep it from the page.
HEADERS = {"X-Accel-Buffering": "no"}
PIECE = '<hx-partial hx-target="#{target}" hx-swap="{swap}">{html}</hx-partial>'


def streamed(parts: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(_events(parts), media_type="text/event-stream", headers=HEADERS)


async def _events(parts: AsyncIterator[str]) -> AsyncIterator[str]:
    async for html in parts:
        # Of what may end a line, events know these; as their data, all of them become a line feed.
        lines = html.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        yield "".join(f"data: {line}\n" for line in lines) + "\n"


def put(target: str, swap: str, html: str) -> str:
    """Into the element of this id: `beforeend`, `outerHTML`, `innerMorph` and so on."""
    return PIECE.format(target=escape(target), swap=escape(swap), html=html)


def as_text(text: str) -> str:
    """Text as HTML."""
    return str(escape(text))

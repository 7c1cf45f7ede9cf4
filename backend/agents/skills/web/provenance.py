"""Who wrote an address: one that the model composed may carry out what it was shown."""

import re

from yarl import URL

from backend.agents.skills.skill import Context, Danger

# A whole address, or a host that stands alone, with what may follow it.
WRITTEN = re.compile(
    r"https?://[^\s<>\"'`{}|\\^]+|(?<![\w@./:-])(?:[^\W_][\w-]{0,62}\.){1,8}[^\W\d_]{2,24}(?::\d{1,5})?(?:/[^\s<>\"'`{}|\\^]*)?",
    re.IGNORECASE,
)
# What often follows an address in a sentence, and may be a part of it.
PUNCTUATION = ".,;:!?)]}»”…*_"


def weigh(url: URL, context: Context) -> Danger:
    """Safe is what the person wrote, or others did, verbatim; nothing that a skill only handed back to the model."""
    address = _essence(url)
    if address in addresses_in(context.words):
        return Danger.SAFE
    shown = address in addresses_in(context.shown) and address not in addresses_in(context.composed)
    return Danger.SAFE if shown else Danger.CONFIRM


def addresses_in(text: str) -> frozenset[str]:
    """Every address of a text, in a form that can be compared: with and without what may be punctuation."""
    return frozenset(
        _essence(url)
        for found in WRITTEN.findall(text)
        for written in {found, found.rstrip(PUNCTUATION)}
        for url in _read(written)
    )


def _read(written: str) -> list[URL]:
    try:
        url = URL(written if "://" in written else f"https://{written}")
        return [url] if url.raw_host else []
    except ValueError:
        return []


def _essence(url: URL) -> str:
    """Without what tells nobody anything: the scheme, the usual port, a last slash, the fragment."""
    port = "" if url.is_default_port() else f":{url.port}"
    query = f"?{url.raw_query_string}" if url.raw_query_string else ""
    return f"{url.raw_host}{port}{url.raw_path.rstrip('/')}{query}"

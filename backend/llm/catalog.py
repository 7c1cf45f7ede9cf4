"""Which providers there are, and how a chain of them is read from the environment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from backend.llm.endpoint import Endpoint
from backend.llm.openai_compatible import OpenAICompatible
from backend.llm.transcriber import Transcriber
from backend.llm.types import Provider

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """A provider whose address we know; without a `base_url` it is on this machine and needs no key."""

    base_url: str
    model: str


# Local ones first: without LLM_CHAIN they are asked in this order.
KNOWN = {
    "ollama": Known("", ""),
    "aichat": Known("", ""),
    "openrouter": Known("https://openrouter.ai/api/v1", "openrouter/auto"),
    "openai": Known("https://api.openai.com/v1", "gpt-5-mini"),
    "groq": Known("https://api.groq.com/openai/v1", "llama-3.3-70b-versatile"),
    "gemini": Known("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-flash"),
    "venice": Known("https://api.venice.ai/api/v1", "llama-3.3-70b"),
}
UNKNOWN = Known("", "")


class ChainInvalid(ValueError):
    """A chain, or what it needs, cannot be read; the message says what to set."""


@dataclass(frozen=True, slots=True)
class _SetUp:
    """An entry of a chain, with the address and the key of its provider."""

    name: str
    model: str
    url: str
    key: str


def read_chain(chain: str, environment: Mapping[str, str]) -> list[OpenAICompatible]:
    """The providers of `provider:model,provider:model`; of an empty chain, every known one that is set up.

    A provider that is named but not set up (no key, no address) is left out with a warning, so that one
    `.env` can serve several machines. Raises `ChainInvalid`.
    """
    if not chain.strip():
        chain = ",".join(name for name in KNOWN if find_address(name, environment))
    return [
        OpenAICompatible(one.name, one.model or KNOWN.get(one.name, UNKNOWN).model, base_url=one.url, key=one.key)
        for one in _set_up(chain, environment)
    ]


def read_transcribers(chain: str, environment: Mapping[str, str]) -> list[Transcriber]:
    """Who hears: as `read_chain`, but of an empty chain nobody, and with a model each. Raises `ChainInvalid`."""
    found = list(_set_up(chain, environment))
    for one in found:
        if not one.model:
            raise ChainInvalid(f"{one.name!r} names no model that hears: write it as {one.name}:whisper-1")
    return [Transcriber(one.name, one.model, Endpoint(one.url, one.key)) for one in found]


def _set_up(chain: str, environment: Mapping[str, str]) -> Iterator[_SetUp]:
    for entry in filter(None, map(str.strip, chain.split(","))):
        name, model = _parts(entry)
        if name not in KNOWN and _variable(name, "BASE_URL") not in environment:
            raise ChainInvalid(f"{name!r} is not known: set {_variable(name, 'BASE_URL')}, or use {', '.join(KNOWN)}")
        if address := find_address(name, environment):
            yield _SetUp(name, model, *address)
        else:
            log.warning("provider_not_set_up", provider=name, missing=missing(name))


def names(providers: Sequence[Provider]) -> str:
    """A chain as people read it."""
    return ", ".join(f"{provider.name}:{provider.model or '(its first model)'}" for provider in providers)


def _parts(entry: str) -> tuple[str, str]:
    """Provider and model; a model's own name may hold colons."""
    name, _, model = entry.partition(":")
    name = name.strip().lower()
    if not name.replace("-", "_").isidentifier():
        raise ChainInvalid(f"{entry!r} does not name a provider: write a chain as provider:model,provider:model")
    return name, model.strip()


def find_address(name: str, environment: Mapping[str, str], *, under: str = "/v1") -> tuple[str, str] | None:
    """The address and the key of a service, or None if it is not set up.

    People write `http://localhost:11434`, and the API is `under` it. Raises `ChainInvalid`.
    """
    needs_key = bool(default := KNOWN.get(name, UNKNOWN).base_url)
    key = environment.get(_variable(name, "API_KEY"), "").strip()
    url = environment.get(_variable(name, "BASE_URL"), default).strip()
    if not url or (needs_key and not key):
        return None
    if not key.isascii():
        raise ChainInvalid(f"{_variable(name, 'API_KEY')} holds letters that no key has: paste the key itself")
    if not _is_address(url):
        raise ChainInvalid(f"{_variable(name, 'BASE_URL')} is no address: write it as http://localhost:11434/v1")
    return (url if urlsplit(url).path.strip("/") else url.rstrip("/") + under), key


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that is not closed, for one
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def missing(name: str) -> str:
    """The variable without which a service is not set up."""
    return _variable(name, "API_KEY" if KNOWN.get(name, UNKNOWN).base_url else "BASE_URL")


def _variable(name: str, what: str) -> str:
    return f"{name.upper().replace('-', '_')}_{what}"

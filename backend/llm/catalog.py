"""Which providers there are, and how a chain of them is read from the environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from openai import AsyncOpenAI, DefaultAioHttpClient

from backend.llm.openai_compatible import OpenAICompatible
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


class ChainInvalid(ValueError):
    """A chain names a provider that is not known and has no NAME_BASE_URL."""


def read_chain(chain: str, environment: Mapping[str, str]) -> list[OpenAICompatible]:
    """The providers of `provider:model,provider:model`; of an empty chain, every known one that is set up.

    A provider that is named but not set up (no key, no address) is left out with a warning, so that one
    `.env` can serve several machines. Raises `ChainInvalid`.
    """
    if not chain.strip():
        return [provider for name in KNOWN if (provider := _provider(name, "", environment))]
    named = [entry.strip().partition(":") for entry in chain.split(",") if entry.strip()]
    found = []
    for name, _, model in named:
        if name not in KNOWN and f"{name.upper()}_BASE_URL" not in environment:
            raise ChainInvalid(
                f"LLM_CHAIN names {name!r}: set {name.upper()}_BASE_URL, or use one of {', '.join(KNOWN)}"
            )
        if provider := _provider(name, model, environment):
            found.append(provider)
        else:
            log.warning("provider_not_set_up", provider=name, missing=_missing(name))
    return found


def _provider(name: str, model: str, environment: Mapping[str, str]) -> OpenAICompatible | None:
    known = KNOWN.get(name, Known("", ""))
    key = environment.get(f"{name.upper()}_API_KEY", "")
    url = environment.get(f"{name.upper()}_BASE_URL", known.base_url)
    if not url or (known.base_url and not key):
        return None
    # The SDK insists on a key; local servers ignore it.
    return OpenAICompatible(name, model or known.model, _client(_with_path(url), key or "none"))


def _client(base_url: str, key: str) -> AsyncOpenAI:
    """Retries and time limits are the chain's: it knows who else could answer."""
    return AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=None, http_client=DefaultAioHttpClient())


def _with_path(url: str) -> str:
    """People write `http://localhost:11434`; the API is under /v1."""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/v1"


def _missing(name: str) -> str:
    return f"{name.upper()}_API_KEY" if KNOWN.get(name, Known("", "")).base_url else f"{name.upper()}_BASE_URL"


def names(providers: Sequence[Provider]) -> str:
    """A chain as people read it."""
    return ", ".join(f"{provider.name}:{provider.model or '(its first model)'}" for provider in providers)

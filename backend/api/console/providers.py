"""Model providers as the console sets them up: tried out first, and then saved, beside what the environment says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.bootstrap import Backend
from backend.errors import Invalid
from backend.findings import Finding
from backend.llm import Purpose
from backend.llm.calls import record_calls
from backend.llm.catalog import KNOWN, ChainInvalid, find_address
from backend.llm.examining import try_out

CHAIN = "LLM_CHAIN"
NAME = re.compile("[a-z][a-z0-9]{1,30}")
LABELS = {
    "ollama": "Ollama", "aichat": "aichat", "openrouter": "OpenRouter", "openai": "OpenAI", "groq": "Groq",
    "gemini": "Gemini", "venice": "Venice",
}  # fmt: skip


class ProviderInvalid(Invalid):
    """This cannot be a provider."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a person has filled in; of a known service only what it needs."""

    name: str
    model: str = ""
    key: str = field(default="", repr=False)
    address: str = ""

    def variables(self) -> dict[str, str]:
        """Raises `ProviderInvalid`. The address of a known service is not to be changed: its key would go there."""
        if not NAME.fullmatch(self.name):
            raise ProviderInvalid("a name has small letters and digits alone")
        written = {_variable(self.name, "API_KEY"): self.key.strip()}
        if self.name not in KNOWN or not KNOWN[self.name].base_url:
            written[_variable(self.name, "BASE_URL")] = self.address.strip()
        return {name: value for name, value in written.items() if value}


@dataclass(frozen=True, slots=True)
class Shown:
    """A provider as the page shows it; `origin` is `environment`, `saved` or empty."""

    name: str
    label: str
    origin: str
    needs_key: bool
    usual_model: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying a provider: its first answer, or what is wrong."""

    name: str
    answer: str = ""
    seconds: float = 0.0
    findings: Sequence[Finding] = ()


def providers_of(backend: Backend) -> list[Shown]:
    """Those that we know, and those that somebody has added."""
    variables = backend.variables
    added = [name for name in _named(variables) if name not in KNOWN]
    return [_shown(backend, name) for name in (*KNOWN, *added)]


def chain_in_use(backend: Backend) -> list[str]:
    """Who is asked, in order, as a chain is written."""
    asked = backend.llm.chain(Purpose.CHAT)
    return [f"{provider.name}:{provider.model}".rstrip(":") for provider in asked]


async def set_up(backend: Backend, given: Given) -> Tried:
    """Tries a provider, and saves it if it answers. Raises `ProviderInvalid`, `SecretKeyMissing`."""
    written = given.variables()
    entry = f"{given.name}:{given.model.strip()}".rstrip(":")
    if "," in entry:
        raise ProviderInvalid("a model's name has no comma")
    variables = {**backend.variables, **written, **backend.variables.environment}
    findings, completion = await try_out(entry, variables)
    if completion is None:
        return Tried(given.name, findings=findings)
    async with backend.db.begin() as tx:
        await record_calls(tx, None, completion.calls)
    await backend.variables.save(written | {CHAIN: _with(chain_in_use(backend), entry)})
    await backend.refresh()
    return Tried(given.name, completion.text, completion.calls[-1].milliseconds / 1000)


async def remove(backend: Backend, name: str) -> None:
    """What was saved of it; what the environment says of it stays."""
    if not NAME.fullmatch(name):
        raise ProviderInvalid
    left = [entry for entry in chain_in_use(backend) if entry.partition(":")[0] != name]
    empty = {_variable(name, what): "" for what in ("API_KEY", "BASE_URL")}
    await backend.variables.save(empty | {CHAIN: ",".join(left)})
    await backend.refresh()


async def ask_first(backend: Backend, entry: str) -> None:
    """Moves an entry of the chain to its beginning."""
    chain = chain_in_use(backend)
    if entry in chain:
        await backend.variables.save({CHAIN: ",".join([entry, *(one for one in chain if one != entry)])})
        await backend.refresh()


def is_fixed(backend: Backend) -> bool:
    """Whether the environment says who is asked, so that nothing that is saved here changes it."""
    return bool(backend.settings.llm_chain)


def _with(chain: Sequence[str], entry: str) -> str:
    """In the place of the same provider's other model, or else first: who sets something up wants to see it work."""
    name = entry.partition(":")[0]
    if any(one.partition(":")[0] == name for one in chain):
        return ",".join(dict.fromkeys(entry if one.partition(":")[0] == name else one for one in chain))
    return ",".join([entry, *chain])


def _shown(backend: Backend, name: str) -> Shown:
    known = KNOWN.get(name)
    needs_key = bool(known and known.base_url)
    origin = ""
    if _is_set_up(name, backend.variables.environment):
        origin = "environment"
    elif _is_set_up(name, backend.variables):
        origin = "saved"
    return Shown(name, LABELS.get(name, name), origin, needs_key, known.model if known else "")


def _is_set_up(name: str, variables: Mapping[str, str]) -> bool:
    try:
        return find_address(name, variables) is not None
    except ChainInvalid:
        return False


def _named(variables: Mapping[str, str]) -> list[str]:
    """Every NAME_BASE_URL names a provider, but for the one of embeddings."""
    ends = "_BASE_URL"
    found = sorted(name.removesuffix(ends).lower() for name in variables if name.endswith(ends))
    return [name for name in found if NAME.fullmatch(name) and name != "embeddings"]


def _variable(name: str, what: str) -> str:
    return f"{name.upper()}_{what}"

"""Whether the providers of a chain would answer, without asking a model anything."""

from collections.abc import Mapping

from backend.findings import Finding
from backend.llm.catalog import ChainInvalid, read_chain
from backend.llm.openai_compatible import OpenAICompatible
from backend.llm.types import ProviderFailed


async def examine_chain(chain: str, environment: Mapping[str, str]) -> list[Finding]:
    """Each provider is asked for its list of models: that proves address and key, and costs nothing."""
    try:
        providers = read_chain(chain, environment)
    except ChainInvalid as error:
        return [Finding("models", False, str(error), "correct the chain")]
    if not providers:
        advice = "set OPENAI_API_KEY, OPENROUTER_API_KEY or OLLAMA_BASE_URL in .env"
        return [Finding("models", False, "no model is configured: the offline provider answers", advice)]
    findings = []
    for provider in providers:
        findings.append(await _examine(provider))
        await provider.close()
    return findings


async def _examine(provider: OpenAICompatible) -> Finding:
    part = f"model {provider.name}"
    advice = f"check {provider.name.upper()}_API_KEY and {provider.name.upper()}_BASE_URL in .env"
    try:
        known = await provider.list_models()
    except ProviderFailed as failure:
        return Finding(part, False, f"{failure.outcome}: {failure}", advice)
    if provider.model and known and provider.model not in known:
        return Finding(part, False, f"has no model {provider.model}", f"it has {', '.join(sorted(known)[:5])} …")
    return Finding(part, True, provider.model or (known[0] if known else "lists no models"))

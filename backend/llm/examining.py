"""Whether the providers of a chain would answer, and whether one does."""

from collections.abc import Mapping

from backend.findings import Finding
from backend.llm.catalog import ChainInvalid, read_chain
from backend.llm.llm import Llm
from backend.llm.openai_compatible import OpenAICompatible
from backend.llm.types import ChatMessage, Completion, NoProviderAnswered, ProviderFailed, Purpose

# A model on this machine may have to be loaded first.
TRIAL_SECONDS = 60.0
GREETING = "Say hello in one short sentence."


async def examine_chain(chain: str, environment: Mapping[str, str]) -> list[Finding]:
    """Each provider is asked for its list of models: that proves address and key, and costs nothing."""
    try:
        providers = read_chain(chain, environment)
    except ChainInvalid as error:
        return [Finding("models", False, str(error), "correct the chain")]
    if not providers:
        advice = "add one in the console, or set OPENAI_API_KEY, OPENROUTER_API_KEY or OLLAMA_BASE_URL in .env"
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


async def try_out(chain: str, environment: Mapping[str, str]) -> tuple[list[Finding], Completion | None]:
    """The findings about one provider, and, if all is well, its answer to a greeting, which may cost a little."""
    findings = await examine_chain(chain, environment)
    if not all(finding.ok for finding in findings):
        return findings, None
    llm = Llm({Purpose.CHAT: read_chain(chain, environment)}, time_limit=TRIAL_SECONDS)
    try:
        return findings, await llm.complete(Purpose.CHAT, [ChatMessage("user", GREETING)])
    except NoProviderAnswered as problem:
        outcomes = ", ".join(dict.fromkeys(call.outcome for call in problem.calls))
        return [Finding(findings[0].part, False, f"did not answer: {outcomes}", "try another model")], None
    finally:
        await llm.close()

"""`llmbot doctor`: every part, and what to do about what fails."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from backend.cli.talk import address
from backend.llm import ProviderFailed
from backend.llm.catalog import ChainInvalid, read_chain
from backend.llm.openai_compatible import OpenAICompatible
from backend.llm.prices import PricesInvalid, read_prices
from backend.settings import ENV_FILE, Settings, environment

PATIENCE = aiohttp.ClientTimeout(total=10)
ADVICE = {
    "postgres": "see .local/logs/postgres.log, or check DATABASE_URL",
    "broker": "see .local/logs/valkey.log, or check REDIS_URL; messages are answered, but not summarized",
    "worker": "see .local/logs/worker.log; messages are answered, but not summarized",
    "memory": "see `llmbot memory check`",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at; `advice` says what to do if it is not well."""

    part: str
    ok: bool
    detail: str
    advice: str = ""


def examine(settings: Settings) -> int:
    """Prints a line for every part; 1 if one is not well."""
    with asyncio.Runner() as runner:
        findings = runner.run(_examine(settings))
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.part:<22} {finding.detail}")
        if not finding.ok and finding.advice:
            print(f"      {'':<22} → {finding.advice}")
    return 0 if all(finding.ok for finding in findings) else 1


async def _examine(settings: Settings) -> list[Finding]:
    findings = [_env_file(), _prices(settings)]
    async with aiohttp.ClientSession(timeout=PATIENCE) as http:
        findings += [finding async for finding in _backend(settings, http)]
        findings += [finding async for finding in _models(settings)]
        findings.append(await _bot(http))
    return findings


def _env_file() -> Finding:
    if not ENV_FILE.exists():
        return Finding(".env", True, "none: every setting has its default (`make env` writes one)")
    if ENV_FILE.stat().st_mode & 0o077:
        return Finding(".env", False, "others on this machine can read it", "chmod 600 .env")
    return Finding(".env", True, "readable by you alone")


def _prices(settings: Settings) -> Finding:
    try:
        prices = read_prices(settings.llm_prices)
    except PricesInvalid as error:
        return Finding("LLM_PRICES", False, str(error), "write it as openai:gpt-5-mini=0.25/2.00")
    return Finding("LLM_PRICES", True, f"{len(prices)} prices; the cost of other models is as they tell it")


async def _backend(settings: Settings, http: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    url = address(settings)
    headers = {"Authorization": f"Bearer {settings.keys[0]}"} if settings.keys else {}
    try:
        async with http.get(f"{url}/health/ready", headers=headers) as response:
            ready = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        yield Finding("backend", False, f"does not answer at {url}", "start it with `make run`")
        return
    if "parts" not in ready:
        yield Finding("backend", False, f"answers at {url}, but: {ready.get('title')}", "check API_KEYS")
        return
    yield Finding("backend", True, f"answers at {url}")
    for part, state in ready["parts"].items():
        if part in ADVICE:
            yield Finding(part, state["ok"], state["detail"], ADVICE[part])


async def _models(settings: Settings) -> AsyncIterator[Finding]:
    """Each provider is asked for its list of models: that proves address and key, and costs nothing."""
    try:
        chain = read_chain(settings.llm_chain, environment())
    except ChainInvalid as error:
        yield Finding("models", False, str(error), "correct LLM_CHAIN in .env")
        return
    if not chain:
        advice = "set OPENAI_API_KEY, OPENROUTER_API_KEY or OLLAMA_BASE_URL in .env"
        yield Finding("models", False, "no model is configured: the offline provider answers", advice)
    for provider in chain:
        yield await _model(provider)
        await provider.close()


async def _model(provider: OpenAICompatible) -> Finding:
    part = f"model {provider.name}"
    advice = f"check {provider.name.upper()}_API_KEY and {provider.name.upper()}_BASE_URL in .env"
    try:
        known = await provider.list_models()
    except ProviderFailed as failure:
        return Finding(part, False, f"{failure.outcome}: {failure}", advice)
    if provider.model and known and provider.model not in known:
        return Finding(part, False, f"has no model {provider.model}", f"it has {', '.join(sorted(known)[:5])} …")
    return Finding(part, True, provider.model or (known[0] if known else "lists no models"))


async def _bot(http: aiohttp.ClientSession) -> Finding:
    """Telegram is asked who the token belongs to; the address holds the token, so it is never shown."""
    variables = environment()
    token = variables.get("BOT_TOKEN")
    if not token:
        return Finding("telegram", True, "no BOT_TOKEN: there is no bot (get a token from @BotFather)")
    server = variables.get("TELEGRAM_API_URL", "https://api.telegram.org")
    try:
        async with http.get(f"{server}/bot{token}/getMe") as response:
            told = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return Finding("telegram", False, f"{server} does not answer", "check the network, or TELEGRAM_API_URL")
    if not told.get("ok"):
        return Finding("telegram", False, "does not know this token", "get one from @BotFather, set BOT_TOKEN in .env")
    return Finding("telegram", True, f"@{told['result'].get('username')}")

"""`llmbot doctor`: every part, and what to do about what fails."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import chain
from typing import Any

import aiohttp

from backend.agents.skills import browser, mcp, sandbox, web
from backend.bootstrap import chain_of, read_variables
from backend.cli.talk import address
from backend.findings import Finding
from backend.llm.examining import examine_chain
from backend.llm.prices import PricesInvalid, read_prices
from backend.settings import ENV_FILE, Settings

PATIENCE = aiohttp.ClientTimeout(total=10)
ADVICE = {
    "postgres": "see .local/logs/postgres.log, or check DATABASE_URL",
    "broker": "see .local/logs/valkey.log, or check REDIS_URL; messages are answered, but not summarized",
    "worker": "see .local/logs/worker.log; messages are answered, but not summarized",
    "memory": "see `llmbot memory check`",
}


def examine(settings: Settings) -> int:
    """Prints a line for every part; 1 if one is not well."""
    with asyncio.Runner() as runner:
        findings = runner.run(_examine(settings))
    for finding in findings:
        print(finding.line())
    return 0 if all(finding.ok for finding in findings) else 1


async def _examine(settings: Settings) -> list[Finding]:
    findings = [_env_file(), _prices(settings)]
    async with aiohttp.ClientSession(timeout=PATIENCE) as http:
        findings += [finding async for finding in _backend(settings, http)]
        variables = await read_variables(settings)
        for named in _chains(settings, variables):
            findings += await examine_chain(named, variables)
        findings += [finding async for finding in _bots(settings, http)]
    findings += await _skills(settings)
    return list(dict.fromkeys(findings))  # a provider may stand in several chains


def _chains(settings: Settings, variables: Mapping[str, str]) -> list[str]:
    """That of the answers, also if it is empty, and the others that are set."""
    others = settings.summary_llm_chain, settings.router_llm_chain, settings.vision_llm_chain, settings.transcription
    return [chain_of(settings, variables), *filter(None, others)]


async def _skills(settings: Settings) -> list[Finding]:
    """What agents need here: their workers run elsewhere if this is not their machine."""
    found = await asyncio.gather(web.examine(settings), browser.examine(settings), mcp.examine(settings))
    return [*sandbox.examine(settings), *chain.from_iterable(found)]


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
    try:
        async with http.get(f"{url}/health/ready", headers=_headers(settings)) as response:
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


async def _bots(settings: Settings, http: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    """Those that have a token; whether Telegram knows it, `llmbot bots check` tells."""
    try:
        async with http.get(f"{address(settings)}/v1/bots?limit=200", headers=_headers(settings)) as response:
            listed = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return  # that the backend is away was told
    if "items" not in listed:
        return  # so was that it wants another key
    bots = [bot for bot in listed["items"] if bot["telegram_id"]]
    for bot in bots:
        yield _bot(bot)
    if not bots:
        yield Finding("telegram", True, "no bot has a token: `llmbot bots add NAME` gives it one")


def _bot(bot: Mapping[str, Any]) -> Finding:
    part, name = f"bot {bot['slug']}", f"@{bot['username']}" if bot["username"] else bot["telegram_id"]
    match bot["state"]:
        case "failed":
            return Finding(part, False, bot["last_error"] or "fails", f"see `llmbot bots check {bot['slug']}`")
        case "pending":
            return Finding(part, False, f"{name} waits for the bot process", "see .local/logs/bot.log")
    return Finding(part, True, f"{name} is {bot['state']}")


def _headers(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.keys[0]}"} if settings.keys else {}

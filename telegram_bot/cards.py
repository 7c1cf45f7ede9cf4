"""What is told in more than a sentence: how to call the bot, what a dialogue has come to, what is in mind."""

from collections.abc import Sequence
from datetime import datetime

from aiogram.types import User

from telegram_bot.backend_client import BotConfig, Stats, Window
from telegram_bot.plain import escaped
from telegram_bot.words import Words

BAR = 12
FULL, EMPTY = "▰", "▱"


def ways_to_call(config: BotConfig, me: User, words: Words) -> str:
    """What to do in a group to be answered, by this bot's triggers."""
    known = {
        "mention": f"@{me.username}",
        "names": escaped(", ".join(config.called or [config.name])),
        "keywords": escaped(", ".join(config.keywords)),
    }
    wanted = ["all"] if "all" in config.triggers else [way for way in words.ways if way in config.triggers]
    if not config.keywords and "keyword" in wanted:
        wanted.remove("keyword")
    return listed([words.ways[way].format(**known) for way in wanted or ["mention"]], words)


def listed(ways: Sequence[str], words: Words) -> str:
    """`one`, `one or two`, `one, two or three`."""
    *others, last = ways
    return f"{', '.join(others)} {words.either} {last}" if others else last


def stats_card(stats: Stats, words: Words) -> str:
    """What a dialogue has come to: a table with the numbers below each other."""
    rows = {
        "messages": words.number(stats.messages),
        "tokens_in": words.number(stats.tokens_in),
        "tokens_out": words.number(stats.tokens_out),
        "cost": words.stats["unknown"] if stats.cost is None else words.money(stats.cost),
        "summaries": words.number(stats.summaries),
    }
    names = max(len(words.stats[name]) for name in rows)
    figures = max(map(len, rows.values()))
    table = "\n".join(f"{words.stats[name]:<{names}}  {figure:>{figures}}" for name, figure in rows.items())
    since = datetime.fromisoformat(stats.since).strftime(words.date)
    return f"{words.stats['title'].format(since=since)}\n```\n{table}\n```"


def context_card(window: Window, stats: Stats, words: Words) -> str:
    """How full the window is, what is in it, and how far the summary reaches."""
    said = words.context
    share = window.tokens / window.budget if window.budget else 0
    # The last message stands for what the person will say next.
    verbatim = max(sum(message["role"] in ("user", "assistant") for message in window.messages) - 1, 0)
    lines = [
        said["title"],
        "",
        f"{bar(share)} {said['percent'].format(percent=words.number(100 * share))}",
        said["full"].format(used=words.number(window.tokens), budget=words.count(window.budget, "of_tokens")),
        said["messages"].format(messages=words.count(verbatim, "message")),
    ]
    if window.dropped:
        lines.append(said["dropped"].format(messages=words.count(window.dropped, "message")))
    if window.summary_version is None:
        lines.append(said["no_summary"])
    else:
        folded = max(stats.messages - verbatim - window.dropped, 0)
        told = words.count(folded, "message")
        lines.append(said["summary"].format(version=window.summary_version, messages=told))
    return "\n".join(lines)


def bar(share: float) -> str:
    """A share between 0 and 1 as a bar; what is not nothing shows."""
    full = min(max(round(share * BAR), 1 if share > 0 else 0), BAR)
    return FULL * full + EMPTY * (BAR - full)

"""What is told of a dialogue in numbers, and how a group learns to call the bot."""

from dataclasses import replace

import pytest
from aiogram.types import User

from telegram_bot.backend_client import BotConfig, Stats, Window
from telegram_bot.cards import bar, context_card, stats_card, ways_to_call
from telegram_bot.formatting import render
from telegram_bot.words import ENGLISH, RUSSIAN

STATS = Stats(54, 1_234_567, 89_012, 1.5, 3, "2026-11-21T10:00:00Z")
SAID = [{"role": role, "content": "…"} for role in ("system", *["user", "assistant"] * 7, "system", "user")]
WINDOW = Window(SAID, tokens=6720, budget=16_000, dropped=0, summary_version=3)
ME = User(id=1, is_bot=True, first_name="Bot", username="test_bot")


def test_what_a_dialogue_has_come_to_is_a_table() -> None:
    assert stats_card(STATS, ENGLISH).splitlines() == [
        "📊 This dialogue, since 2026-11-21",
        "```",
        "Messages               54",
        "Tokens read     1,234,567",
        "Tokens written     89,012",
        "Cost                $1.50",
        "Summaries               3",
        "```",
    ]
    in_russian = stats_card(STATS, RUSSIAN).replace("\N{NO-BREAK SPACE}", " ")
    assert "с 21.11.2026" in in_russian
    assert "Токенов прочитано  1 234 567" in in_russian
    assert "$1,50" in in_russian


def test_a_cost_that_nobody_told_is_not_made_up() -> None:
    assert "Cost              unknown" in stats_card(replace(STATS, cost=None), ENGLISH)


def test_the_context_says_how_full_it_is_and_how_far_the_summary_reaches() -> None:
    assert context_card(WINDOW, STATS, ENGLISH).splitlines() == [
        "🧠 What I have in mind of this dialogue",
        "",
        "▰▰▰▰▰▱▱▱▱▱▱▱ 42%",
        "📏 6,720 of 16,000 tokens are used",
        "💬 Word for word: 14 messages",
        "📚 Summary (version 3): the 40 messages before that",
    ]
    card = context_card(WINDOW, STATS, RUSSIAN).replace("\N{NO-BREAK SPACE}", " ")
    assert "Занято 6 720 из 16 000 токенов" in card
    assert "Дословно: 14 сообщений" in card


def test_what_did_not_fit_and_what_was_never_folded_is_told() -> None:
    full = replace(WINDOW, dropped=4, summary_version=None)
    assert "Did not fit: 4 messages" in context_card(full, STATS, ENGLISH)
    assert "no summary yet" in context_card(full, STATS, ENGLISH)


@pytest.mark.parametrize(("share", "full"), [(0, 0), (0.001, 1), (0.5, 6), (1, 12), (1.7, 12)])
def test_a_bar_is_as_full_as_the_window(share: float, full: int) -> None:
    assert bar(share) == "▰" * full + "▱" * (12 - full)


@pytest.mark.parametrize(
    ("triggers", "said"),
    [
        (["mention", "reply", "command"], "упомяните @test_bot, ответьте на моё сообщение или начните с /ask"),
        (["name"], "назовите меня по имени (Алиса)"),
        (["keyword", "mention"], "упомяните @test_bot или употребите ключевое слово (погода, курс)"),
        (["all", "mention"], "просто напишите"),
        ([], "упомяните @test_bot"),
    ],
)
def test_a_group_learns_the_ways_that_work_there(triggers: list[str], said: str) -> None:
    config = BotConfig("b", "1", "", name="Алиса", triggers=triggers, keywords=["погода", "курс"])
    assert ways_to_call(config, ME, RUSSIAN) == said


def test_a_keyword_that_was_never_named_is_not_offered() -> None:
    assert ways_to_call(BotConfig("b", "1", "", triggers=["keyword", "reply"]), ME, ENGLISH) == (
        "reply to a message of mine"
    )


def test_a_name_is_read_as_it_was_given() -> None:
    config = BotConfig("b", "1", "", triggers=["name"], called=["*Bob*", "`x`"])
    (part,) = render(ways_to_call(config, ME, ENGLISH))
    assert part.text == "call me by name (*Bob*, `x`)"
    assert not part.entities

"""The console speaks two languages, and says everything in both."""

import re
from string import Formatter

import httpx2
import pytest

from backend.api.console.pages import TEMPLATES
from backend.api.console.words import WORDS, language_of
from tests.conftest import ROOT

CONSOLE = ROOT / "backend" / "api" / "console"
SOURCES = "\n".join(
    path.read_text() for path in CONSOLE.rglob("*.*") if path.suffix in (".html", ".py") and path.parent.name != "words"
)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same() -> None:
    english, russian = WORDS["en"], WORDS["ru"]
    assert english.keys() == russian.keys()
    assert [key for key in english if fields(english[key]) != fields(russian[key])] == []


def test_what_pages_say_there_are_words_for() -> None:
    said = set(re.findall(r"""say\(\s*["']([a-z0-9.-]+)["']\s*[,)]""", SOURCES))
    assert said
    assert said - WORDS["en"].keys() == set()


def test_there_are_no_words_that_nothing_says() -> None:
    whole = set(re.findall(r"""["']([a-z0-9.-]+)["']""", SOURCES))
    begun = tuple(re.findall(r"""["']([a-z-]+(?:\.[a-z-]+)*\.)["{]""", SOURCES))
    assert [key for key in WORDS["en"] if key not in whole and not key.startswith(begun)] == []


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "ru", "ru"),
        ("", "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("", "de-DE,de;q=0.9,ru;q=0.5", "ru"),
        ("", "en;q=0.3,ru;q=0.7", "ru"),
        ("", "fr,*;q=0.5", "en"),
        ("", "ru;q=x", "ru"),
        ("en", "ru", "en"),
        ("xx", "ru", "ru"),
    ],
)
def test_the_language_is_the_browsers_unless_another_was_chosen(chosen: str, accepted: str, language: str) -> None:
    assert language_of(chosen, accepted) == language


async def test_a_chosen_language_stays(operator: httpx2.AsyncClient) -> None:
    assert "<h1>Now</h1>" in (await operator.get("/")).text
    assert "<h1>Сейчас</h1>" in (await operator.get("/?lang=ru")).text
    assert "<h1>Сейчас</h1>" in (await operator.get("/")).text
    assert '<html lang="en">' in (await operator.get("/?lang=en")).text


def test_every_template_can_be_read() -> None:
    for name in TEMPLATES.list_templates():
        TEMPLATES.get_template(name)

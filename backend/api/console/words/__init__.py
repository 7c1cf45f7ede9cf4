"""Words for people, in English and Russian."""

from collections.abc import Mapping

from backend.api.console.words.english import ENGLISH
from backend.api.console.words.russian import RUSSIAN

WORDS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "ru": RUSSIAN}


def language_of(chosen: str, accepted: str) -> str:
    """What was chosen, or else the first of the browser's languages (`ru-RU,ru;q=0.9,en;q=0.8`) that we speak."""
    if chosen in WORDS:
        return chosen
    for name in sorted(accepted.split(","), key=_weight, reverse=True):
        if (spoken := name.strip().lower()[:2]) in WORDS:
            return spoken
    return "en"


def _weight(entry: str) -> float:
    _, _, weight = entry.partition(";q=")
    try:
        return float(weight or 1)
    except ValueError:
        return 0.0

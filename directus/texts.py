"""Words of the panel in both languages, as Directus wants them."""

import re
from zlib import crc32

from directus.reading import Words

ENGLISH, RUSSIAN = "en-US", "ru-RU"


def translations(words: Words) -> list[dict[str, str]]:
    """For what has translations of its own: a field's name."""
    return [
        {"language": language, "translation": word} for language, word in zip((ENGLISH, RUSSIAN), words, strict=True)
    ]


class Glossary:
    """For what has none, as a note or a choice: a key in their place, and what it stands for in each language."""

    def __init__(self) -> None:
        self._said: dict[str, Words] = {}

    def key(self, words: Words | None) -> str | None:
        """What Directus shows in the person's language."""
        if not words:
            return None
        first = "_".join(re.findall("[a-z0-9]+", words[0].lower())[:5])
        key = (
            f"bot_{first}_{crc32(' / '.join(words).encode()):08x}"  # what is one word in English may be two in Russian
        )
        self._said[key] = words
        return f"$t:{key}"

    def strings(self) -> dict[str, dict[str, str]]:
        """By key, what to say in each language."""
        return {key: dict(zip((ENGLISH, RUSSIAN), words, strict=True)) for key, words in self._said.items()}

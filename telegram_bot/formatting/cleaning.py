"""What Telegram refuses or changes in a text, taken out beforehand, so that offsets stay what they are."""

import unicodedata

# Control characters; what sets the direction of the rest of the page; the mark of the byte order.
_DROPPED = [*range(0x09), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0), *range(0x202A, 0x202F), 0xFEFF]
_REPLACED = {0x0B: "\n", 0x0C: "\n", 0x0D: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n"}
_CHANGES = dict.fromkeys(_DROPPED) | _REPLACED

# Telegram takes a message of nothing but these for empty.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})
# Accents show on what they stand on.
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc")


def clean(text: str) -> str:
    """The text with only those characters that Telegram keeps, and line ends as line feeds."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\r\n", "\n").translate(_CHANGES)


def visible(text: str) -> bool:
    """Whether there is anything to see."""
    return any(
        character not in _INVISIBLE and unicodedata.category(character) not in _INVISIBLE_CATEGORIES
        for character in text
    )


def exposed(text: str) -> str:
    """The text with escapes for all that people would not see, or would see elsewhere than it stands."""
    return "".join(
        character if character in " \n\t" or _shows(character) else character.encode("unicode_escape").decode()
        for character in text
    )


def _shows(character: str) -> bool:
    return character not in _INVISIBLE and unicodedata.category(character) not in _HIDDEN

"""A message of stretches whose looks are known: what others wrote stands in it as it is, and never as Markdown."""

from dataclasses import dataclass, replace

from telegram_bot.formatting.parts import Entity, Part


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of a message's text, in one look: `bold`, `pre` …; `language` is that of code."""

    text: str
    look: str = ""
    language: str | None = None


def compose(*stretches: Stretch) -> Part:
    """The stretches, one after the other."""
    text, entities = "", []
    for stretch in stretches:
        if stretch.look and stretch.text:
            entities.append(Entity(stretch.look, units(text), units(stretch.text), language=stretch.language))
        text += stretch.text
    return Part(text, tuple(entities))


def below(first: Part, second: Part) -> Part:
    """Both in one message, with an empty line between them."""
    offset = units(first.text) + 2
    moved = (replace(entity, offset=entity.offset + offset) for entity in second.entities)
    return Part(f"{first.text}\n\n{second.text}", (*first.entities, *moved))


def units(text: str) -> int:
    """The text's length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitting(text: str, most: int) -> str:
    """As much of the beginning as has at most so many UTF-16 code units."""
    text = text[:most]
    while units(text) > most:
        text = text[: -((units(text) - most + 1) // 2)]
    return text


def on_one_line(text: str, most: int) -> str:
    """The text without line breaks; where it has more code units, its beginning and an ellipsis."""
    line = " ".join(text.split())
    return line if units(line) <= most else fitting(line, most - 1).rstrip() + "…"

"""What a formatted text is made of: messages that Telegram accepts."""

from dataclasses import dataclass, field
from typing import Any

LIMIT = 4096  # UTF-16 code units per message: https://core.telegram.org/bots/api#sendmessage
MOST_ENTITIES = 100  # Telegram drops those beyond: https://core.telegram.org/bots/api#sendmessage


@dataclass(frozen=True, slots=True)
class Entity:
    """How a stretch of a message's text looks; offset and length count UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One message, in up to three ways of saying the same.

    `rich` are the blocks of an `InputRichMessage`, where they show more than entities can; else it is empty. `text`
    with `entities` is for everybody who cannot be shown those, and `text` alone is always readable.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    rich: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that is a message of its own."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


Piece = Part | Enclosed

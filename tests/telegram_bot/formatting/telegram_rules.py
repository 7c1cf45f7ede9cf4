"""What Telegram accepts, written down from its documentation: https://core.telegram.org/bots/api#formatting-options"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from aiogram.methods import SendMessage, SendRichMessage
from aiogram.types import InputRichMessage, MessageEntity

from telegram_bot.formatting import LIMIT, Entity, Part

QUOTES = {"blockquote", "expandable_blockquote"}
MONOSPACED = {"pre", "code"}
LOOKS = {"bold", "italic", "underline", "strikethrough", "spoiler"}
TYPES = QUOTES | MONOSPACED | LOOKS | {"text_link"}
INVISIBLE = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"}
MOST_ENTITIES, MOST_BLOCKS, MOST_COLUMNS = 100, 500, 20


def check(parts: Sequence[Part], limit: int = LIMIT) -> None:
    for part in parts:
        check_text(part, limit)
        check_entities(part)
        check_rich(part)
        SendMessage(chat_id=1, text=part.text, entities=[as_telegram(entity) for entity in part.entities])


def as_telegram(entity: Entity) -> MessageEntity:
    return MessageEntity(
        type=entity.type, offset=entity.offset, length=entity.length, url=entity.url, language=entity.language
    )


def check_text(part: Part, limit: int) -> None:
    assert units(part.text) <= limit
    assert any(unicodedata.category(character) not in INVISIBLE for character in part.text)
    assert not [
        character
        for character in part.text
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and character != "\n"
    ]
    assert part.text == part.text.rstrip()
    assert not part.text.startswith("\n")
    assert (
        part.text == part.text.lstrip() or next(entity for entity in part.entities if entity.type == "pre").offset == 0
    )


def check_entities(part: Part) -> None:
    assert len(part.entities) <= MOST_ENTITIES
    assert [entity.offset for entity in part.entities] == sorted(entity.offset for entity in part.entities)
    for entity in part.entities:
        assert entity.type in TYPES
        assert entity.offset >= 0
        assert entity.length > 0
        assert entity.offset + entity.length <= units(part.text)
        text = covered(part.text, entity)
        assert text.strip()
        assert text == text.rstrip()
        assert text == (text.lstrip("\n") if entity.type in QUOTES | {"pre"} else text.lstrip())
        assert (entity.url is not None) == (entity.type == "text_link")
        assert entity.url is None or re.match(r"https?://[^/\s]*[.:]|tg://.", entity.url, re.IGNORECASE)
        assert entity.language is None or (entity.type == "pre" and re.fullmatch(r"[\w+#./-]+", entity.language))
    for first, second in combinations(part.entities, 2):
        assert may_stand_together(first, second), (first, second)


def may_stand_together(first: Entity, second: Entity) -> bool:
    outer, inner = (first, second) if contains(first, second) else (second, first)
    if not overlap(outer, inner):
        return True
    if not contains(outer, inner) or outer.type == inner.type or {outer.type, inner.type} <= QUOTES:
        return False
    if MONOSPACED & {outer.type, inner.type}:
        return outer.type in QUOTES or (inner.type in QUOTES and contains(inner, outer))
    return True


def overlap(first: Entity, second: Entity) -> bool:
    return first.offset < second.offset + second.length and second.offset < first.offset + first.length


def contains(outer: Entity, inner: Entity) -> bool:
    return outer.offset <= inner.offset and inner.offset + inner.length <= outer.offset + outer.length


def check_rich(part: Part) -> None:
    if not part.rich:
        return
    SendRichMessage(chat_id=1, rich_message=InputRichMessage.model_validate({"blocks": list(part.rich)}))
    nodes = list(all_nodes(part.rich))
    assert {node.get("type") for node in nodes} & {"table", "mathematical_expression"}
    tables = [node["cells"] for node in nodes if "cells" in node]
    blocks = sum("blocks" in node or "type" in node for node in nodes if "text" not in node)
    assert blocks - sum(node.get("type") == "mathematical_expression" for node in nodes) <= MOST_BLOCKS
    assert all(len(row) <= MOST_COLUMNS and len(row) == len(rows[0]) for rows in tables for row in rows)
    shown = " ".join(map(rich_text, part.rich))
    assert [word for word in re.findall(r"[^\W\d_]{2,}", part.text) if word not in shown] == []


def all_nodes(rich: object) -> Iterator[dict[str, Any]]:
    match rich:
        case dict():
            yield rich
            for value in rich.values():
                yield from all_nodes(value)
        case list() | tuple():
            for value in rich:
                yield from all_nodes(value)


def rich_text(rich: object) -> str:
    """What can be read in it; blocks are apart from each other, texts are not."""
    match rich:
        case {"expression": source}:
            return str(source)
        case {"text": text}:
            return rich_text(text)
        case dict():
            return " ".join(rich_text(part) for key in ("blocks", "items", "cells") for part in rich.get(key, ()))
        case list() if rich and all(isinstance(cell, dict) and "align" in cell for cell in rich):
            return " ".join(map(rich_text, rich))
        case list():
            return "".join(map(rich_text, rich))
        case _:
            return str(rich)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def covered(text: str, entity: Entity) -> str:
    """Fails where an entity begins or ends in the middle of a character."""
    raw = text.encode("utf-16-le")
    return raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")

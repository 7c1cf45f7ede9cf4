"""Shows a message's entities in its text, so that a test can be read."""

from telegram_bot.formatting import Part, render


def shown(markdown: str) -> str:
    """What the only message of a text shows, as `⟦bold:text⟧`."""
    (part,) = render(markdown)
    return marked(part)


def marked(part: Part) -> str:
    marks = []
    for entity in part.entities:
        name = ",".join(filter(None, (entity.type, entity.language, entity.url)))
        marks.append((entity.offset, 1, -entity.length, f"⟦{name}:"))
        marks.append((entity.offset + entity.length, 0, -entity.offset, "⟧"))
    raw, text, position = part.text.encode("utf-16-le"), "", 0
    for offset, _, _, mark in sorted(marks):
        text += raw[2 * position : 2 * offset].decode("utf-16-le") + mark
        position = offset
    return text + raw[2 * position :].decode("utf-16-le")

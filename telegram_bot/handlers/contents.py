"""What a message holds beside text: a file, or something that can be named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from aiogram.enums import ContentType
from aiogram.types import Document, Message

from telegram_bot.words import Words

Kind = Literal["voice", "image", "document"]

READABLE = {".txt", ".md", ".markdown", ".html", ".htm", ".xhtml", ".pdf", ".docx", ".csv", ".log", ".json", ".rst"}
READABLE_TYPES = {"application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
NO_PICTURES = {"image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """Something to download: a `voice`, an `image`, or a `document`."""

    kind: Kind
    id: str
    size: int
    name: str
    media_type: str


def file_of(message: Message) -> File | None:
    """What can be downloaded and understood."""
    if voice := message.voice:
        return File("voice", voice.file_id, voice.file_size or 0, "voice.ogg", voice.mime_type or "audio/ogg")
    if audio := message.audio:
        name = audio.file_name or "audio.mp3"
        return File("voice", audio.file_id, audio.file_size or 0, name, audio.mime_type or "audio/mpeg")
    if note := message.video_note:  # what is said in it; nobody looks at it
        return File("voice", note.file_id, note.file_size or 0, "note.mp4", "video/mp4")
    if message.photo:
        photo = message.photo[-1]  # the largest
        return File("image", photo.file_id, photo.file_size or 0, "photo.jpg", "image/jpeg")
    if message.document and not message.animation:  # which comes as a document as well
        return _document(message.document)
    return None


def _document(document: Document) -> File | None:
    name, media_type = document.file_name or "document", document.mime_type or "application/octet-stream"
    kind: Kind = "document"
    if media_type.startswith("image/") and media_type not in NO_PICTURES:
        kind = "image"
    elif media_type.startswith("audio/"):
        kind = "voice"
    elif not _is_readable(name, media_type):
        return None
    return File(kind, document.file_id, document.file_size or 0, name, media_type)


def _is_readable(name: str, media_type: str) -> bool:
    known = media_type.startswith("text/") or media_type in READABLE_TYPES
    return known or PurePath(name).suffix.lower() in READABLE


def _sticker(message: Message, words: Words) -> str:
    emoji = message.sticker.emoji if message.sticker else None
    return words.sticker.format(emoji=emoji) if emoji else ""


def _location(message: Message, words: Words) -> str:
    place = message.location
    return words.location.format(latitude=place.latitude, longitude=place.longitude) if place else ""


def _venue(message: Message, words: Words) -> str:
    venue = message.venue
    if venue is None:
        return ""
    place = venue.location
    return words.venue.format(
        title=venue.title, address=venue.address, latitude=place.latitude, longitude=place.longitude
    )


def _contact(message: Message, words: Words) -> str:
    contact = message.contact
    if contact is None:
        return ""
    name = " ".join(filter(None, (contact.first_name, contact.last_name)))
    return words.contact.format(name=name, phone=contact.phone_number)


def _poll(message: Message, words: Words) -> str:
    poll = message.poll
    options = "\n".join(f"- {option.text}" for option in poll.options) if poll else ""
    return words.poll.format(question=poll.question, options=options) if poll else ""


def _dice(message: Message, words: Words) -> str:
    dice = message.dice
    return words.dice.format(value=dice.value, emoji=dice.emoji) if dice else ""


# What can be said without looking into it; an empty text if there are no words for this one.
NAMED: Mapping[str, Callable[[Message, Words], str]] = {
    ContentType.STICKER: _sticker,
    ContentType.VENUE: _venue,
    ContentType.LOCATION: _location,
    ContentType.CONTACT: _contact,
    ContentType.POLL: _poll,
    ContentType.DICE: _dice,
}

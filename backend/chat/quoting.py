"""What a message refers to becomes a part of it, so that the model and memory know what was meant."""

from dataclasses import dataclass

# Of a quoted text this many characters are shown: enough to know which one is meant.
MOST_QUOTED = 1_000

WORDS = {
    "ru": ("В ответ на сообщение ({speaker}):", "В ответ на:", "Переслано, автор — {name}:"),
    "en": ("In reply to what {speaker} said:", "In reply to:", "Forwarded, said by {name}:"),
}


@dataclass(frozen=True, slots=True)
class Quote:
    """What a message replies to; the speaker may be unknown."""

    speaker: str
    text: str


def framed(text: str, quote: Quote | None, forwarded_from: str, *, language: str) -> str:
    """The text with what it refers to, framed in Russian for `ru…`, else in English; every quoted line has a `>`."""
    said_by_speaker, said, forwarded = WORDS["ru" if language.lower().startswith("ru") else "en"]
    if forwarded_from:
        text = f"{forwarded.format(name=_in_a_line(forwarded_from))}\n{_quoted(text)}"
    if quote:
        frame = said_by_speaker.format(speaker=_in_a_line(quote.speaker)) if quote.speaker.strip() else said
        text = f"{frame}\n{_quoted(_shortened(quote.text))}\n\n{text}"
    return text


def _in_a_line(name: str) -> str:
    return " ".join(name.split())


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())

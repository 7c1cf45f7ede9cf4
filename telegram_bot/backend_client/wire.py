"""What goes over the wire between the relay and the backend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

Shape = TypeVar("Shape")

# A part that is none: parts are counted from 1.
NOTHING = 0

Buttons = Sequence[Sequence["Button"]]


def read(shape: type[Shape], members: Mapping[str, Any]) -> Shape:
    """The members that `shape` knows; what a newer backend adds is left out. Raises TypeError if one is missing."""
    known = {field.name for field in fields(shape)}  # type: ignore[arg-type]  # dataclasses only
    return shape(**{name: value for name, value in members.items() if name in known and value is not None})


@dataclass(frozen=True, slots=True)
class BotConfig:
    """A bot as its row says."""

    slug: str
    telegram_id: str
    sealed_token: str = field(repr=False)
    name: str = ""
    language: str = ""
    triggers: Sequence[str] = ()
    called: Sequence[str] = ()
    keywords: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BotReport:
    """How a bot fares in this process."""

    slug: str
    state: Literal["pending", "running", "failed", "stopped"]
    error: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """The bots this process may run, and for how long."""

    lease_seconds: float
    bots: Sequence[BotConfig]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who speaks to whom, where: by this the backend tells sessions apart."""

    bot: str
    chat_id: str
    user_id: str
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody said before, and a message answers."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A message for the backend; the same `key` is answered once. `reply_to` is the message that the answer quotes."""

    text: str
    key: str
    chat_type: str
    user_name: str = ""
    language: str = ""
    reply_to: str = ""
    quote: Quote | None = None
    forwarded_from: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message: a press sends `data` to the bot, or opens `url`."""

    text: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to say that is no answer of a model; the same `key` is said once.

    What the person asked for `counts` as a message of theirs.
    """

    bot: str
    chat_id: str
    text: str
    key: str
    thread_id: str = ""
    user_id: str = ""
    reply_to: str = ""
    language: str = ""
    buttons: Buttons = ()
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something to hand to a person. `text` is an answer's or a notice's, or the type of a problem.

    The first `sent` of its `parts` have arrived; `sending` is the one that may be on its way. `shown_as` is the message
    that showed its beginning while it was written. The last three kinds have a `card`, as it was with `changed`.
    """

    id: int
    bot: str
    kind: Literal["answer", "problem", "notice", "run", "confirmation", "file"]
    chat_id: str
    text: str = ""
    turn_id: str = ""
    thread_id: str = ""
    user_id: str = ""
    reply_to: str = ""
    language: str = ""
    stopped: bool = False
    buttons: Sequence[Sequence[Mapping[str, str]]] = ()
    parts: int | None = None
    sent: int = 0
    sending: int | None = None
    state: Literal["pending", "sent", "failed"] = "pending"
    max_length: int | None = None
    shown_as: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a delivery has come; what is None stays as it is. `sending` NOTHING: no part is on its way.

    A card is `shown` as it was with this change.
    """

    parts: int | None = None
    sending: int | None = None
    sent: int | None = None
    message_id: str | None = None
    state: Literal["sent", "failed"] | None = None
    problem: str | None = None
    shown: int | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """The sessions that a reset closed: what can be opened again for a moment."""

    session_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Stats:
    """What a session has come to."""

    messages: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    summaries: int = 0
    since: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """What the model would be shown now, in tokens of its `budget`."""

    messages: Sequence[Mapping[str, str]] = ()
    tokens: int = 0
    budget: int = 0
    dropped: int = 0
    summary_version: int | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent."""

    content: bytes = field(repr=False)
    name: str
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class DocumentState:
    """How far the reading of a document is, and why it failed."""

    state: Literal["waiting", "reading", "ready", "failed"]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A recording or a picture that somebody sent, who must be allowed to talk there."""

    kind: Literal["voice", "image"]
    upload: Upload
    caption: str = ""
    language: str = ""
    user_name: str = ""
    chat_type: str = "private"


@dataclass(frozen=True, slots=True)
class SentDocument:
    """A document that somebody sent, who must be allowed to talk there."""

    upload: Upload
    language: str = ""
    user_name: str = ""
    chat_type: str = "private"

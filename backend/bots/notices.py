"""What a bot says of its own about who may talk to it, in Markdown as answers are."""

import re
from dataclasses import dataclass
from uuid import UUID

from backend.database import Record, Transaction

MARKUP = re.compile(r"[\\`*_~|<>!#$]")
# With a backslash these begin a formula.
BRACKETS = str.maketrans("[]", "()")
NOTICE = """
insert into deliveries (bot_id, key, chat_id, user_id, language, kind, content, buttons)
values ($1, $2, $3, $3, $4, 'notice', $5, $6) on conflict (bot_id, key) do nothing
"""
FORGET_FAILED = "delete from deliveries where bot_id = $1 and key = $2 and state = 'failed' returning language"


@dataclass(frozen=True, slots=True)
class Notice:
    """A delivery to a person's private chat; of two with the same key, only the first is written."""

    key: str
    user_id: str
    language: str
    text: str
    buttons: list[list[dict[str, str]]] | None = None


@dataclass(frozen=True, slots=True)
class Words:
    asked: str
    yes: str
    no: str
    approved: str
    refused: str


ENGLISH = Words(
    asked="{name} (id {user_id}) would like to talk to me. Code: {code}",
    yes="Let in",
    no="Refuse",
    approved="My owner has let you in. What would you like to know?",
    refused="Sorry, my owner has decided not to let you in.",
)
RUSSIAN = Words(
    asked="{name} (id {user_id}) хочет со мной поговорить. Код: {code}",
    yes="Впустить",
    no="Отказать",
    approved="Владелец вас впустил. Что вы хотите узнать?",
    refused="Извините, владелец решил вас не впускать.",
)


def words(language: str) -> Words:
    """Russian for `ru…`, else English."""
    return RUSSIAN if language.lower().startswith("ru") else ENGLISH


async def write(tx: Transaction, bot: UUID, notice: Notice) -> None:
    await tx.execute(NOTICE, bot, notice.key, notice.user_id, notice.language, notice.text, notice.buttons)


async def forget_failed(tx: Transaction, bot: UUID, key: str) -> list[Record]:
    """The notice with this key, if it could not arrive."""
    return await tx.fetch(FORGET_FAILED, bot, key)


def asks_owner(owner: str, language: str, *, code: str, name: str, user_id: str) -> Notice:
    """To the owner, with buttons whose data says what to answer: `admit:CODE:yes` or `admit:CODE:no`."""
    told = words(language)
    text = told.asked.format(name=_quoted(name) or "?", user_id=_quoted(user_id), code=code)
    buttons = [{"text": told.yes, "data": f"admit:{code}:yes"}, {"text": told.no, "data": f"admit:{code}:no"}]
    return Notice(key_of_question(user_id, code), owner, language, text, [buttons])


def tells_person(user_id: str, language: str, *, code: str, approved: bool) -> Notice:
    """To the one who had asked."""
    told = words(language)
    return Notice(f"{_key(user_id, code)}:decided", user_id, language, told.approved if approved else told.refused)


def key_of_question(user_id: str, code: str) -> str:
    return f"{_key(user_id, code)}:asked"


def _key(user_id: str, code: str) -> str:
    """Begins with whom it is about, so that forgetting him finds it."""
    return f"admit:{user_id}:{code}"


def _quoted(name: str) -> str:
    """What a person is called is his own choice: it must not look like lines of the bot's, nor as Markdown."""
    return MARKUP.sub(r"\\\g<0>", " ".join(name.translate(BRACKETS).split()))

"""What in a group is meant for the bot, and what it is asked then.

A name or a keyword counts as a whole word, whatever its letters' case. A Russian one counts in its cases as well: what
is left without its last vowel or soft sign, plus an ending of a noun. Prefixes would not do: "маркетинг" does not call
"Марк".
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from aiogram.enums import MessageEntityType
from aiogram.types import Message, MessageEntity, User

from telegram_bot.backend_client import BotConfig
from telegram_bot.plain import text_of

# A command by which the bot is asked something; any other one is a question only with the bot's name behind it.
ASK = "ask"
COMMAND = re.compile(r"/(?P<command>[a-z0-9_]+)(?:@(?P<bot>\w+))?(?=\s|$)\s*", re.IGNORECASE)

SHORTEST_STEM = 3
RUSSIAN_WORD = re.compile(r"[а-яё]+", re.IGNORECASE)
LAST_LETTER = re.compile(r"[аеёийоуыьэюя]$", re.IGNORECASE)
ENDINGS = "а|я|у|ю|е|ё|и|й|ы|ь|о|ой|ей|ою|ею|ом|ем|ём|ью|ий|ия|ию|ии"


@dataclass(frozen=True, slots=True)
class Triggers:
    """By what a bot is spoken to in groups: `mention`, `reply`, `name`, `keyword`, `command`, `all`."""

    kinds: frozenset[str]
    called: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    def question(self, message: Message, me: User) -> str | None:
        """What the bot is asked, without what merely calls it; None if the message is not meant for it."""
        text = text_of(message)
        if command := COMMAND.match(text):
            return self._asked_by(command, text, me)
        mentions = [entity for entity in _entities(message) if mentions_bot(entity, text, me)]
        if mentions and "mention" in self.kinds:
            return without(mentions, text)
        if self._meant(message, text, me):
            return self._without_name(text)
        return None

    def _asked_by(self, command: re.Match[str], text: str, me: User) -> str | None:
        named = (command["bot"] or "").lower()
        if named and named != (me.username or "").lower():
            return None
        if command["command"].lower() == ASK and self.kinds & {"command", "all"}:
            return text[command.end() :]
        return f"/{command['command']} {text[command.end() :]}".strip() if named and "command" in self.kinds else None

    def _meant(self, message: Message, text: str, me: User) -> bool:
        return (
            "all" in self.kinds
            or ("reply" in self.kinds and answers_bot(message, me))
            or ("name" in self.kinds and said(self.called, text))
            or ("keyword" in self.kinds and said(self.keywords, text))
        )

    def _without_name(self, text: str) -> str:
        """Without the name where it is only a call, as in "Alice, how are you?"."""
        for name in self.called if "name" in self.kinds else ():
            if call := pattern(name).match(text):
                rest = text[call.end() :]
                if not rest.strip(" ,.!?:") or rest.lstrip().startswith((",", ":", "!")):
                    return rest.lstrip(" ,:!.?")
        return text


def triggers_of(config: BotConfig) -> Triggers:
    """A bot's triggers; one without other names is called by its own."""
    return Triggers(frozenset(config.triggers), tuple(config.called) or (config.name,), tuple(config.keywords))


def without_ask(text: str) -> str:
    """The question itself: where all that is said is meant for the bot, the command says nothing."""
    command = COMMAND.match(text)
    return text[command.end() :] if command and command["command"].lower() == ASK else text


def said(words: Iterable[str], text: str) -> bool:
    """Whether one of the words stands in the text."""
    return any(pattern(word).search(text) for word in words)


@lru_cache(maxsize=1024)
def pattern(phrase: str) -> re.Pattern[str]:
    """Finds a word, or several in a row, in a text."""
    words = [_with_endings(word) for word in phrase.split()] or [r"(?!)"]
    return re.compile(r"(?<!\w)" + r"\s+".join(words) + r"(?!\w)", re.IGNORECASE)


def _with_endings(word: str) -> str:
    stem = LAST_LETTER.sub("", word) if RUSSIAN_WORD.fullmatch(word) else ""
    declined = len(stem) >= SHORTEST_STEM
    letters = re.sub("[её]", "[её]", re.escape(stem if declined else word), flags=re.IGNORECASE)
    return rf"{letters}(?:{ENDINGS})?" if declined else letters


def mentions_bot(entity: MessageEntity, text: str, me: User) -> bool:
    if entity.type == MessageEntityType.MENTION:
        return entity.extract_from(text).lower() == f"@{me.username}".lower()
    return entity.user is not None and entity.user.id == me.id


def answers_bot(message: Message, me: User) -> bool:
    original = message.reply_to_message
    if original is None or original.from_user is None or original.forum_topic_created:
        return False  # every first-level message of a topic formally answers the topic's creation
    return original.from_user.id == me.id


def without(mentions: Collection[MessageEntity], text: str) -> str:
    units = text.encode("utf-16-le")  # offsets count UTF-16 code units
    for mention in sorted(mentions, key=lambda entity: entity.offset, reverse=True):
        before = units[: 2 * mention.offset].decode("utf-16-le").rstrip(" ")
        after = units[2 * (mention.offset + mention.length) :].decode("utf-16-le")
        rest = after if before else after.lstrip(" ,:")
        units = (before + rest).encode("utf-16-le")
    return units.decode("utf-16-le").strip()


def _entities(message: Message) -> list[MessageEntity]:
    return (message.entities if message.text else message.caption_entities) or []

"""What Telegram remembers: of every bot its chats and unconfirmed updates, of groups what all of them share."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

Json = dict[str, Any]
Found = TypeVar("Found")

MARKUP = re.compile(r"(?P<bot_command>(?<!\S)/\w+(@\w+)?)|(?P<mention>(?<!\w)@\w{5,})")


class Refused(Exception):
    """Telegram's answer when it does not do what the bot asks."""

    def __init__(
        self, code: int, description: str, retry_after: int | None = None, moved_to: int | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after
        self.moved_to = moved_to


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    first_name: str
    language_code: str = "en"
    is_bot: bool = False


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def entities_of(text: str) -> list[Json]:
    """The commands and mentions that Telegram recognises in what a person writes."""
    return [
        {
            "type": match.lastgroup,
            "offset": utf16_length(text[: match.start()]),
            "length": utf16_length(match.group()),
        }
        for match in MARKUP.finditer(text)
    ]


class Everybody:
    """What the bots have in common: groups, numbers, and a bell that rings when something has changed."""

    def __init__(self) -> None:
        self.groups: dict[int, dict[int, Json]] = {}
        self.message_ids = count(1)
        self._changed = asyncio.Event()

    def touch(self) -> None:
        """Wakes whoever waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, found: Callable[[], Found], seconds: float) -> Found:
        """What `found` returns as soon as that is true; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not (result := found()):
                await self._changed.wait()
            return result


class World:
    """Telegram as one bot sees it."""

    def __init__(self, everybody: Everybody, token: str, username: str) -> None:
        self.token = token
        self.me: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Bot",
            "username": username,
        }
        self.webhook: Json = {}
        self.webhook_error: Json = {}
        self.overlaps = 0  # how often two asked for its updates at the same time
        self.messages: dict[int, dict[int, Json]] = {}
        self.files: dict[str, bytes] = {}
        self.drafts: dict[int, Json] = {}
        self.commands: dict[str, list[Json]] = {}
        self.updates: list[Json] = []
        self.wanted_updates: list[str] = []  # empty: all of them
        self.open_callbacks: set[str] = set()
        self.blocked: set[int] = set()
        self.admins: set[int] = set()  # of every group
        self._chats: dict[int, Json] = {}
        self._everybody = everybody
        self._update_ids = count(1000)
        self.touch = everybody.touch
        self.until = everybody.until

    def forget(self) -> None:
        """Nobody has said anything yet."""
        for said in (
            self.messages,
            self.files,
            self.drafts,
            self.updates,
            self.open_callbacks,
            self._chats,
            self.admins,
        ):
            said.clear()

    def know_chat(self, chat: Json) -> None:
        """The bot may write there; a group's messages are the same for every bot."""
        self._chats[chat["id"]] = chat
        shared = self._everybody.groups.setdefault(chat["id"], {}) if chat["type"] != "private" else {}
        self.messages.setdefault(chat["id"], shared)

    def chat(self, chat_id: int | str) -> Json:
        """The chat, if the bot may write there."""
        chat = self._chats.get(int(chat_id))
        if chat is None:
            raise Refused(400, "Bad Request: chat not found")
        if chat["id"] in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return chat

    def message(self, chat_id: int | str | None, message_id: int | None, purpose: str) -> Json:
        found = self.messages.get(int(chat_id or 0), {}).get(message_id or 0)
        if found is None:
            raise Refused(400, f"Bad Request: message to {purpose} not found")
        return found

    def add_message(self, chat: Json, author: Json, **content: Any) -> Json:
        message = {
            "message_id": next(self._everybody.message_ids),
            "date": int(time.time()),
            "chat": chat,
            "from": author,
            **{name: value for name, value in content.items() if value},
        }
        self.messages[chat["id"]][message["message_id"]] = message
        self.touch()
        return message

    def add_update(self, kind: str, content: Json) -> None:
        if not self.wanted_updates or kind in self.wanted_updates:
            self.updates.append({"update_id": next(self._update_ids), kind: content})
            self.touch()

    def add_file(self, content: bytes, name: str) -> Json:
        file_id = f"file{len(self.files) + 1}"
        self.files[file_id] = content
        return {
            "file_id": file_id,
            "file_unique_id": file_id,
            "file_name": name,
            "file_size": len(content),
        }

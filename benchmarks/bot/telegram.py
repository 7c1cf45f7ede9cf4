"""A Bot API that costs little, and people who write their next message when the last one is answered.

`python -m benchmarks.bot.telegram PORT`. `POST /crowd` with `{"people": 8, "messages": 200, "text": "Hello"}` returns
when all messages are answered: `{"seconds": 1.5, "calls": {"sendMessage": 200}, "first_words": [12.5]}`, of which the
last are the milliseconds from a model's first word to the moment when it is on its way to the person. People write to
the bot `WRITTEN_TO` only; any other token is a bot's that nobody knows.
"""

import asyncio
import sys
import time
from collections import Counter
from itertools import count
from typing import Any

import orjson
import uvloop
from aiohttp import web

from benchmarks.turns.stub import CLOCK

Json = dict[str, Any]

MOST_UPDATES = 100
WRITTEN_TO = 123456789


class Crowd:
    """So many people, each in a private chat of his own, who together write so many messages."""

    def __init__(self, people: range, messages: int, text: str) -> None:
        self.people = people
        self.text = text
        self.calls: Counter[str] = Counter()
        self.first_words: dict[int, float] = {}
        self.done = asyncio.Event()
        self._unanswered = self._unwritten = messages

    def writes(self) -> bool:
        """Whether there is one more message to be written."""
        self._unwritten -= 1
        return self._unwritten >= 0

    def sees(self, person: int, text: str) -> None:
        """A part of an answer; one that is written slowly begins with the moment when it was begun."""
        moment = text.partition(" ")[0]
        if person not in self.first_words and moment.startswith(CLOCK):
            self.first_words[person] = (time.monotonic() - float(moment.removeprefix(CLOCK))) * 1000

    def is_answered(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self.done.set()


class Telegram:
    def __init__(self) -> None:
        self._updates: list[Json] = []
        self._arrived = asyncio.Event()
        self._update_ids, self._message_ids = count(1), count(1)
        self._crowd = Crowd(range(0), 0, "")
        self._next_person = 1

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes([web.post("/bot{token}/{method}", self._called), web.post("/crowd", self._gather)])
        return application

    async def _gather(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        people = range(self._next_person, self._next_person + wanted["people"])
        self._next_person = people.stop
        self._crowd = crowd = Crowd(people, wanted["messages"], wanted["text"])
        began = time.perf_counter()
        for person in people:
            self._write(person)
        await crowd.done.wait()
        seconds, waited = time.perf_counter() - began, sorted(crowd.first_words.values())
        return web.json_response({"seconds": seconds, "calls": crowd.calls, "first_words": waited})

    async def _called(self, request: web.Request) -> web.Response:
        bot, method = int(request.match_info["token"].partition(":")[0]), request.match_info["method"]
        arguments = await request.post()
        self._crowd.calls[method] += 1
        if "chat_id" in arguments and "text" in arguments:
            self._crowd.sees(int(str(arguments["chat_id"])), str(arguments["text"]))
        match method:
            case "getMe":
                result: object = _user(bot)
            case "getUpdates" if bot == WRITTEN_TO:
                result = await self._unconfirmed(int(str(arguments.get("offset", 0))), _seconds(arguments))
            case "getUpdates":
                result = await asyncio.sleep(_seconds(arguments), [])
            case "sendMessage":
                result = self._receive(int(str(arguments["chat_id"])), str(arguments["text"]))
            case _:
                result = True
        return web.Response(body=orjson.dumps({"ok": True, "result": result}), content_type="application/json")

    async def _unconfirmed(self, offset: int, seconds: float) -> list[Json]:
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        if not self._updates:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), seconds)
            except TimeoutError:
                return []
        return self._updates[:MOST_UPDATES]

    def _write(self, person: int) -> None:
        if self._crowd.writes():
            message = self._message(person, self._crowd.text, {"id": person, "is_bot": False, "first_name": "Anna"})
            self._updates.append({"update_id": next(self._update_ids), "message": message})
            self._arrived.set()

    def _receive(self, chat: int, text: str) -> Json:
        if chat in self._crowd.people:
            self._crowd.is_answered()
            self._write(chat)
        return self._message(chat, text, _user(WRITTEN_TO))

    def _message(self, person: int, text: str, author: Json) -> Json:
        chat = {"id": person, "type": "private", "first_name": "Anna"}
        number = next(self._message_ids)
        return {"message_id": number, "date": int(time.time()), "chat": chat, "from": author, "text": text}


def _user(bot: int) -> Json:
    return {"id": bot, "is_bot": True, "first_name": "Bot", "username": f"measured_{bot}_bot"}


def _seconds(arguments: Any) -> float:
    return float(str(arguments.get("timeout", 0)))


def main() -> None:
    uvloop.install()
    web.run_app(Telegram().application(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()

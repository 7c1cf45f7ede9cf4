"""Telegram as bots see it: a server of the Bot API, and the people who write to them.

In a test:      async with TelegramSimulator() as telegram: telegram.say("hello")
By hand:        python -m tests.simulators.telegram 8081
                TELEGRAM_API_URL=http://127.0.0.1:8081 python -m telegram_bot
                    (with a bot whose token is 123456789:test-token-of-the-telegram-simulator)
                curl -d '{"text": "hello"}' 127.0.0.1:8081/people/say
                curl '127.0.0.1:8081/people/next?wait=30'
"""

import asyncio
import sys
import time
from dataclasses import asdict
from itertools import chain
from typing import Any, Self

from aiohttp import web

from tests.simulators.telegram_calls import Call, Fault, Trouble, checked, read_arguments, suffer
from tests.simulators.telegram_methods import KNOWN, Methods
from tests.simulators.telegram_world import Everybody, Json, Person, Refused, World, entities_of

TOKEN = "123456789:test-token-of-the-telegram-simulator"
ANNA = Person(42, "Anna")
IVAN = Person(43, "Иван", "ru")
GROUP: Json = {"id": -100500, "type": "supergroup", "title": "Group"}


class TelegramSimulator:
    """`world` is the first bot's; others come by `add_bot`. Each of them is in every group."""

    def __init__(self, token: str = TOKEN, port: int = 0) -> None:
        self.everybody = Everybody()
        self.worlds: dict[str, World] = {}
        self.world = self.add_bot(token, "test_bot")
        self.journal: list[Call] = []
        self.faults: list[Fault] = []
        self.trouble: Trouble | None = None
        self.url = ""
        self._methods: dict[str, Methods] = {}
        self._port = port
        self._read: dict[tuple[str, int], int] = {}
        self._runner = web.AppRunner(
            self._application(), shutdown_timeout=0.1, access_log=None, handler_cancellation=True
        )

    @property
    def token(self) -> str:
        return self.world.token

    @token.setter
    def token(self, token: str) -> None:
        """From now on, the first bot has another token."""
        del self.worlds[self.world.token]
        self.world.token = token
        self.worlds[token] = self.world

    def add_bot(self, token: str, username: str) -> World:
        self.worlds[token] = World(self.everybody, token, username)
        return self.worlds[token]

    def forget(self) -> None:
        """Nobody has said anything yet; the bots stay, and numbers go on."""
        self.journal.clear()
        self._read.clear()
        self.everybody.groups.clear()
        for world in self.worlds.values():
            world.forget()

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    # People.

    def say(
        self,
        text: str = "",
        *,
        person: Person = ANNA,
        chat: Json | None = None,
        to: World | None = None,
        **fields: Any,
    ) -> Json:
        """A person sends a message, to a bot or to a group with all of them; `fields` make it more than text."""
        chat = chat or {"id": person.id, "type": "private", "first_name": person.first_name}
        readers = [to or self.world] if chat["type"] == "private" else list(self.worlds.values())
        for world in readers:
            world.know_chat(chat)
        content = {"text": text, "entities": entities_of(text)} | fields
        message = readers[0].add_message(chat, asdict(person), **content)
        for world in readers:
            world.add_update("message", message)
        return message

    def stop_writing(self, person: Person = ANNA) -> None:
        """A person presses the button under the draft of an answer."""
        draft = self.world.drafts[person.id]
        assert draft["can_stop"]
        chat = {"id": person.id, "type": "private", "first_name": person.first_name}
        self.world.add_update("stopped_message_generation", {"chat": chat, "draft_id": draft["draft_id"]})

    def press(self, message: Json, label: str, person: Person = ANNA) -> None:
        """A person presses a button under a message, or of the keyboard that came with it."""
        markup = message.get("reply_markup", {})
        for button in chain(*markup.get("inline_keyboard", ())):
            if button["text"] == label:
                self._press_inline(message, button["callback_data"], person)
                return
        labels = [button["text"] for button in chain(*markup.get("keyboard", ()))]
        if label not in labels:
            raise LookupError(f"there is no button {label!r} among {labels}")
        self.say(label, person=person, chat=message["chat"])

    def _press_inline(self, message: Json, data: str, person: Person) -> None:
        query_id = f"{message['message_id']}-{time.monotonic_ns()}"
        world = next(world for world in self.worlds.values() if world.me == message["from"])
        world.open_callbacks.add(query_id)
        query = {"id": query_id, "from": asdict(person), "chat_instance": "1", "data": data}
        world.add_update("callback_query", query | {"message": message})

    async def next_message(self, chat: int = ANNA.id, seconds: float = 60, *, by: World | None = None) -> Json:
        """A bot's next message that was not asked for yet; raises TimeoutError."""
        world = by or self.world
        messages = await self.everybody.until(lambda: self._unread(world, chat), seconds)
        self._read[world.token, chat] = messages[0]["message_id"]
        return messages[0]

    def _unread(self, world: World, chat: int) -> list[Json]:
        return [
            message
            for message_id, message in world.messages.get(chat, {}).items()
            if message["from"] == world.me and message_id > self._read.get((world.token, chat), 0)
        ]

    # The bot.

    def calls(self, method: str, by: World | None = None) -> list[Call]:
        return [call for call in self.journal if call.method == method and (by is None or call.token == by.token)]

    async def until_called(self, method: str, times: int = 1, seconds: float = 60) -> list[Call]:
        """The calls of a method, once there are so many; raises TimeoutError."""
        await self.world.until(lambda: len(self.calls(method)) >= times, seconds)
        return self.calls(method)

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=60 << 20)
        application.add_routes(
            [
                web.route("*", "/bot{token}/{method}", self._called),
                web.get("/file/bot{token}/{file_id}", self._download),
                web.post("/people/say", self._say_by_hand),
                web.get("/people/next", self._next_by_hand),
                web.post("/faults", self._fault_by_hand),
                web.get("/journal", self._journal_by_hand),
            ]
        )
        return application

    async def _called(self, request: web.Request) -> web.Response:
        method, token = KNOWN.get(request.match_info["method"].lower()), request.match_info["token"]
        if method is None or ":" not in token:
            return _refusal(Refused(404, "Not Found"))
        arguments, uploads = await read_arguments(request, method)
        call = Call(method.__api_method__, arguments, token)
        self.journal.append(call)
        self.everybody.touch()
        try:
            if token not in self.worlds:
                raise Refused(401, "Unauthorized")
            fault = self._fault(call.method)
            if fault and not fault.after:
                await suffer(fault, request)
            methods = self._methods.setdefault(token, Methods(self.worlds[token]))
            result = await methods.perform(checked(method, arguments), uploads, alive=lambda: _waits(request))
            if fault and fault.after:
                await suffer(fault, request)
        except Refused as refused:
            call.status = refused.code
            return _refusal(refused)
        call.status = 200
        return web.json_response({"ok": True, "result": result})

    def _fault(self, method: str) -> Fault | None:
        fault = next((fault for fault in self.faults if fault.method in (method, "*")), None)
        if fault is None:
            return self.trouble.fault(method) if self.trouble else None
        fault.times -= 1
        if fault.times <= 0:
            self.faults.remove(fault)
        return fault

    async def _download(self, request: web.Request) -> web.Response:
        world = self.worlds.get(request.match_info["token"])
        if world is None:
            return _refusal(Refused(401, "Unauthorized"))
        return web.Response(body=world.files[request.match_info["file_id"]])

    # People, by curl.

    async def _say_by_hand(self, request: web.Request) -> web.Response:
        fields = await request.json()
        person = Person(fields.pop("user_id", ANNA.id), ANNA.first_name, fields.pop("language", ANNA.language_code))
        return web.json_response(self.say(fields.pop("text", ""), person=person, **fields))

    async def _next_by_hand(self, request: web.Request) -> web.Response:
        chat, wait = int(request.query.get("chat", ANNA.id)), float(request.query.get("wait", 0))
        try:
            return web.json_response(await self.next_message(chat, wait))
        except TimeoutError:
            return web.json_response(None)

    async def _fault_by_hand(self, request: web.Request) -> web.Response:
        self.faults.append(Fault(**await request.json()))
        return web.json_response(True)

    async def _journal_by_hand(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(call) for call in self.journal])


def _waits(request: web.Request) -> bool:
    """Whether the caller is still there."""
    return request.transport is not None and not request.transport.is_closing()


def _refusal(refused: Refused) -> web.Response:
    answer: Json = {"ok": False, "error_code": refused.code, "description": refused.description}
    if refused.retry_after:
        answer["parameters"] = {"retry_after": refused.retry_after}
    if refused.moved_to:
        answer["parameters"] = {"migrate_to_chat_id": refused.moved_to}
    return web.json_response(answer, status=refused.code or 500)


async def _serve_until_interrupted(port: int) -> None:
    async with TelegramSimulator(port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        runner.run(_serve_until_interrupted(int(sys.argv[1])))

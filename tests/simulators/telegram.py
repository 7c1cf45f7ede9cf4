"""Telegram as a bot sees it: a server of the Bot API, and the people who write to the bot.

In a test:      async with TelegramSimulator() as telegram: telegram.say("hello")
By hand:        python -m tests.simulators.telegram 8081
                BOT_TOKEN=123456789:test-token-of-the-simulator TELEGRAM_API_URL=http://127.0.0.1:8081 \\
                    python -m telegram_bot
                curl -d '{"text": "hello"}' 127.0.0.1:8081/people/say
                curl '127.0.0.1:8081/people/next?wait=30'
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any, Self, get_args

from aiohttp import web
from pydantic import ValidationError

from tests.simulators.telegram_methods import KNOWN, AnyMethod, Methods
from tests.simulators.telegram_world import Json, Person, Refused, World, entities_of

TOKEN = "123456789:test-token-of-the-simulator"
ANNA = Person(42, "Anna")
IVAN = Person(43, "Иван", "ru")
GROUP: Json = {"id": -100500, "type": "supergroup", "title": "Group"}

Uploads = dict[str, tuple[str, bytes]]


@dataclass
class Call:
    """One call of the bot, and how it was answered; status 0: not yet, or the connection was cut."""

    method: str
    arguments: Json
    at: float = field(default_factory=time.monotonic)
    status: int = 0


@dataclass
class Fault:
    """What happens to the next `times` calls of a method instead of, or before, being carried out."""

    method: str
    times: int = 1
    code: int = 0
    retry_after: int | None = None
    delay: float = 0
    drop: bool = False


class TelegramSimulator:
    def __init__(self, token: str = TOKEN, port: int = 0) -> None:
        self.token = token
        self.world = World()
        self.journal: list[Call] = []
        self.faults: list[Fault] = []
        self.url = ""
        self._methods = Methods(self.world)
        self._port = port
        self._read: dict[int, int] = {}
        self._runner = web.AppRunner(self._application(), shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    # People.

    def say(self, text: str = "", *, person: Person = ANNA, chat: Json | None = None, **fields: Any) -> Json:
        """A person sends a message, to the bot or to another chat; `fields` make it more than text."""
        chat = chat or {"id": person.id, "type": "private", "first_name": person.first_name}
        self.world.know_chat(chat)
        content = {"text": text, "entities": entities_of(text)} | fields
        message = self.world.add_message(chat, asdict(person), **content)
        self.world.add_update("message", message)
        return message

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
        self.world.open_callbacks.add(query_id)
        query = {"id": query_id, "from": asdict(person), "chat_instance": "1", "data": data}
        self.world.add_update("callback_query", query | {"message": message})

    async def next_message(self, chat: int = ANNA.id, seconds: float = 60) -> Json:
        """The bot's next message that was not asked for yet; raises TimeoutError."""
        messages = await self.world.until(lambda: self._unread(chat), seconds)
        self._read[chat] = messages[0]["message_id"]
        return messages[0]

    def _unread(self, chat: int) -> list[Json]:
        return [
            message
            for message_id, message in self.world.messages.get(chat, {}).items()
            if message["from"] == self.world.me and message_id > self._read.get(chat, 0)
        ]

    # The bot.

    def calls(self, method: str) -> list[Call]:
        return [call for call in self.journal if call.method == method]

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
        method = KNOWN.get(request.match_info["method"].lower())
        if method is None or ":" not in request.match_info["token"]:
            return _refusal(Refused(404, "Not Found"))
        arguments, uploads = await _read_arguments(request, method)
        call = Call(method.__api_method__, arguments)
        self.journal.append(call)
        self.world.touch()
        try:
            if request.match_info["token"] != self.token:
                raise Refused(401, "Unauthorized")
            await self._suffer(call.method, request)
            result = await self._methods.perform(_checked(method, arguments), uploads)
        except Refused as refused:
            call.status = refused.code
            return _refusal(refused)
        call.status = 200
        return web.json_response({"ok": True, "result": result})

    async def _suffer(self, method: str, request: web.Request) -> None:
        fault = next((fault for fault in self.faults if fault.method in (method, "*")), None)
        if fault is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            self.faults.remove(fault)
        await asyncio.sleep(fault.delay)
        if fault.drop and request.transport:
            request.transport.abort()
            raise Refused(0, "dropped")
        if fault.code:
            raise Refused(fault.code, f"a fault of {method}", fault.retry_after)

    async def _download(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return _refusal(Refused(401, "Unauthorized"))
        return web.Response(body=self.world.files[request.match_info["file_id"]])

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


async def _read_arguments(request: web.Request, method: type[AnyMethod]) -> tuple[Json, Uploads]:
    arguments: Json = dict(request.query)
    uploads: Uploads = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads[name] = (value.filename, value.file.read())
        else:
            arguments[name] = value
    return {name: _decoded(method, name, value) for name, value in arguments.items()}, uploads


def _decoded(method: type[AnyMethod], name: str, value: Any) -> Any:
    """A form holds strings: whatever may not be one is JSON."""
    known = method.model_fields.get(name)
    if known is None or known.annotation is str or str in get_args(known.annotation):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise web.HTTPBadRequest(text=f"{name} is not JSON") from None


def _checked(method: type[AnyMethod], arguments: Mapping[str, Any]) -> AnyMethod:
    try:
        return method.model_validate(arguments)
    except ValidationError as error:
        raise Refused(400, f"Bad Request: {error}") from None


def _refusal(refused: Refused) -> web.Response:
    answer: Json = {"ok": False, "error_code": refused.code, "description": refused.description}
    if refused.retry_after:
        answer["parameters"] = {"retry_after": refused.retry_after}
    return web.json_response(answer, status=refused.code or 500)


async def _serve_until_interrupted(port: int) -> None:
    async with TelegramSimulator(port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        runner.run(_serve_until_interrupted(int(sys.argv[1])))

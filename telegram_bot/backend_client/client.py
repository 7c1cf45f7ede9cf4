"""Everything the relay asks of the backend."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from aiohttp import ClientSession, ClientTimeout, FormData, TCPConnector

from telegram_bot.backend_client.http import Http
from telegram_bot.backend_client.runs import Runs
from telegram_bot.backend_client.turns import TurnStream, accepted
from telegram_bot.backend_client.wire import (
    NOTHING,
    Attachment,
    Beat,
    BotConfig,
    BotReport,
    Conversation,
    Delivery,
    DocumentState,
    Notice,
    Progress,
    Question,
    Reset,
    SentDocument,
    Stats,
    Upload,
    Window,
    read,
)

USUAL = ClientTimeout(total=30, sock_connect=5)
# A stream lives as long as its answer; the backend sends a sign of life each 15 s.
STREAMING = ClientTimeout(total=None, sock_connect=5, sock_read=60)
# A model listens to a voice message, or looks at a picture.
ATTACHMENT_SECONDS = 120.0


class BackendClient:
    """Raises BackendProblem where the backend does not do what it is asked.

    Whatever is safe to repeat is tried a few times. If the problem is still `passing`, a handler of an update need not
    catch it: the update is handled again, until the backend is back.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self.runs = Runs(http)

    # The process itself.

    async def beat(self, relay_id: str, reports: Sequence[BotReport], seconds: float) -> Beat:
        """Tell how the bots fare; which ones this process may run. Not repeated: the next beat comes soon."""
        body = {"bots": [asdict(report) for report in reports]}
        answer = await self._http.ask("POST", f"v1/relays/{relay_id}", json=body, seconds=seconds)
        return Beat(float(answer["lease_seconds"]), [read(BotConfig, bot) for bot in answer["bots"]])

    async def leave(self, relay_id: str, seconds: float) -> None:
        """Another process may run this one's bots at once."""
        await self._http.ask("DELETE", f"v1/relays/{relay_id}", seconds=seconds)

    async def deliveries(self, relay_id: str, after: int, wait: int) -> list[Delivery]:
        """Pending deliveries with greater ids, oldest first; waits so many seconds for one."""
        answer = await self._http.ask(
            "GET", f"v1/relays/{relay_id}/deliveries", params={"after": after, "wait": wait}, seconds=wait + 10
        )
        return [read(Delivery, delivery) for delivery in answer["data"]]

    async def report(self, relay_id: str, delivery_id: int, progress: Progress) -> None:
        """How far a delivery has come. Not repeated: see `outbox.py`."""
        known = {name: value for name, value in asdict(progress).items() if value is not None}
        if progress.sending == NOTHING:
            known["sending"] = None
        await self._http.ask("PATCH", f"v1/deliveries/{delivery_id}", json={"relay": relay_id} | known)

    async def shown(self, relay_id: str, turn_id: str, message_id: int, seconds: float) -> None:
        """An answer is seen as this message while it is written."""
        body = {"relay": relay_id, "message_id": str(message_id)}
        await self._http.ask("PUT", f"v1/turns/{turn_id}/shown", json=body, seconds=seconds)

    # What people say, and what they are told.

    @asynccontextmanager
    async def ask(self, conversation: Conversation, question: Question) -> AsyncIterator[TurnStream]:
        """The stream of a turn whose message the backend has stored: from then on its answer will come."""
        body = _said(asdict(conversation) | asdict(question)) | {"deliver": True}
        async with self._http.open("POST", "v1/chat/stream", json=body, timeout=STREAMING) as response:
            yield await accepted(response.content)

    async def say(self, notice: Notice) -> Delivery:
        """Store something that is to be said. The same key again: the same delivery."""
        body = _said(asdict(notice))
        if notice.buttons:
            body["buttons"] = [[_said(asdict(button)) for button in row] for row in notice.buttons]
        return read(Delivery, await self._http.insist("POST", "v1/deliveries", json=body))

    async def correct(self, conversation: Conversation, question: Question) -> bool:
        """The message with this key now reads so; whether the backend knew it."""
        told = asdict(question)
        stays = {name: told[name] for name in ("key", "text", "language", "quote", "forwarded_from")}
        body = asdict(conversation) | _said(stays)
        return bool((await self._http.insist("PATCH", "v1/chat/messages", json=body)).get("corrected"))

    async def stop(self, conversation: Conversation) -> int:
        """End what is being answered there; how many turns that were."""
        body = asdict(conversation) | {"runs": False}
        return int((await self._http.insist("POST", "v1/chat/stop", json=body)).get("stopped", 0))

    # Sessions.

    async def reset(self, conversation: Conversation, forget: bool = False) -> Reset:
        """The next message starts a new session; with `forget`, what was said is deleted half a minute later."""
        body = asdict(conversation) | {"forget": forget}
        return read(Reset, await self._http.insist("POST", "v1/chat/reset", json=body))

    async def reopen(self, session_id: str) -> None:
        """Undo a reset."""
        await self._http.insist("POST", f"v1/sessions/{session_id}/reopen")

    async def active_session(self, conversation: Conversation) -> str | None:
        """The id of the session that goes on there."""
        listed = await self._active(**asdict(conversation))
        return str(listed[0]["id"]) if listed else None

    async def leave_chat(self, bot: str, chat_id: str) -> None:
        """Everybody's sessions there end."""
        for session in await self._active(bot=bot, chat_id=chat_id):
            await self._http.insist("POST", "v1/chat/reset", json={"session_id": session["id"]})

    async def move_chat(self, bot: str, chat_id: str, to: str) -> None:
        """Everybody's sessions there go on under another id."""
        await self._http.insist("POST", "v1/chat/move", json={"bot": bot, "chat_id": chat_id, "to": to})

    async def _active(self, **wanted: str) -> list[dict[str, Any]]:
        """The newest sessions that go on."""
        answer = await self._http.insist("GET", "v1/sessions", params=wanted | {"is_active": "true", "limit": "200"})
        return list(answer["items"])

    async def stats(self, session_id: str) -> Stats:
        return read(Stats, await self._http.insist("GET", f"v1/sessions/{session_id}/stats"))

    async def window(self, session_id: str) -> Window:
        return read(Window, await self._http.insist("GET", f"v1/sessions/{session_id}/context"))

    # Files.

    async def understand(self, conversation: Conversation, attachment: Attachment) -> str:
        """What is said in it, or seen; perhaps nothing."""
        fields = asdict(conversation) | asdict(attachment)
        for not_told in ("upload", "thread_id"):
            del fields[not_told]
        answer = await self._http.ask(
            "POST", "v1/attachments", form=lambda: _form(attachment.upload, fields), seconds=ATTACHMENT_SECONDS
        )
        return str(answer["text"])

    async def add_document(self, conversation: Conversation, document: SentDocument) -> str:
        """The id of a document that becomes part of what is remembered of its sender, or of a group's topic."""
        fields = {"bot": conversation.bot, "name": document.upload.name, "sender_id": conversation.user_id}
        fields |= {"sender_name": document.user_name, "language": document.language}
        if document.chat_type == "private":
            fields["user_id"] = conversation.user_id
        else:
            fields |= {"chat_id": conversation.chat_id, "thread_id": conversation.thread_id}
        answer = await self._http.ask(
            "POST", "v1/documents", form=lambda: _form(document.upload, fields), seconds=ATTACHMENT_SECONDS
        )
        return str(answer["id"])

    async def document_state(self, document_id: str) -> DocumentState:
        return read(DocumentState, await self._http.insist("GET", f"v1/documents/{document_id}"))

    # Access.

    async def decide(self, code: str, approve: bool, by: str) -> dict[str, Any]:
        """Let the person who asked with this code talk to the bot, or not; what the backend knows of the admission."""
        return await self._http.insist("POST", f"v1/admissions/{code}", json={"approve": approve, "by": by})


def _said(members: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty: the backend has its defaults."""
    return {name: value for name, value in members.items() if value not in ("", None, ())}


def _form(upload: Upload, fields: dict[str, str]) -> FormData:
    form = FormData()
    form.add_field("file", upload.content, filename=upload.name, content_type=upload.media_type)
    for name, value in fields.items():
        if value:
            form.add_field(name, value)
    return form


@asynccontextmanager
async def open_backend(url: str, api_key: str) -> AsyncIterator[BackendClient]:
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    # Without a limit of connections: every answer that is being written holds one.
    connector = TCPConnector(limit=0)
    async with ClientSession(f"{url}/", headers=headers, timeout=USUAL, connector=connector) as session:
        yield BackendClient(Http(session))

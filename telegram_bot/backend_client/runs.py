"""What is seen of runs, what is asked before they act, and what people decide about them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from telegram_bot.backend_client.http import Http
from telegram_bot.backend_client.wire import Conversation, read

MOST_LISTED = "50"


@dataclass(frozen=True, slots=True)
class ChangedCard:
    """A card that was sent as the message `message_id`, as it was with `changed`; `id` is its delivery's."""

    id: int
    bot: str
    kind: Literal["run", "confirmation"]
    chat_id: str
    card: Mapping[str, Any]
    changed: int
    text: str = ""
    thread_id: str = ""
    user_id: str = ""
    language: str = ""
    message_id: str = ""
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run; one of the kind `plan` decides on the others."""

    position: int
    name: str
    status: str
    kind: str = "act"


@dataclass(frozen=True, slots=True)
class RunCard:
    """How a run fares."""

    run_id: str
    status: str
    title: str = ""
    steps: Sequence[Step] = ()
    skippable: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person is asked before something is done; `kind` is `repeat` where that may have happened already."""

    id: int
    title: str
    detail: str
    state: Literal["waiting", "confirmed", "cancelled", "expired"]
    expires_at: str
    kind: Literal["action", "repeat"] = "action"
    always: bool = False
    grants: bool = False
    answered_via: str = ""
    bot: str = ""
    user_id: str = ""

    @property
    def expires(self) -> datetime:
        return datetime.fromisoformat(self.expires_at)


@dataclass(frozen=True, slots=True)
class FileCard:
    """A file that a run has made."""

    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A kind of action that a person has allowed in a chat for a while."""

    id: int
    kind: str
    expires_at: str
    chat_id: str = ""

    @property
    def expires(self) -> datetime:
        return datetime.fromisoformat(self.expires_at)


@dataclass(frozen=True, slots=True)
class Stopped:
    """How many turns, and how many runs."""

    turns: int
    runs: int


def read_run(card: Mapping[str, Any]) -> RunCard:
    return read(RunCard, {**card, "steps": [read(Step, step) for step in card.get("steps", ())]})


class Runs:
    """Raises BackendProblem where the backend does not do what it is asked."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def changed(self, relay_id: str, after: int, wait: int) -> list[ChangedCard]:
        """Cards that were sent, and changed since; waits so many seconds for one."""
        answer = await self._http.ask(
            "GET", f"v1/relays/{relay_id}/cards", params={"after": after, "wait": wait}, seconds=wait + 10
        )
        return [read(ChangedCard, card) for card in answer["data"]]

    async def shown(self, relay_id: str, card: ChangedCard) -> None:
        """People see the card as it is here, or never will see it again."""
        body = {"relay": relay_id, "changed": card.changed}
        await self._http.insist("PUT", f"v1/deliveries/{card.id}/shown", json=body)

    async def file(self, delivery_id: int) -> bytes:
        """The content of the file that is to be handed over."""
        async with self._http.open("GET", f"v1/deliveries/{delivery_id}/file") as response:
            return await response.read()

    async def stop(self, conversation: Conversation) -> Stopped:
        """End what is being answered there, and what is being done."""
        body = asdict(conversation) | {"runs": True}
        answer = await self._http.insist("POST", "v1/chat/stop", json=body)
        return Stopped(int(answer.get("stopped", 0)), int(answer.get("runs", 0)))

    async def cancel(self, run_id: str, user_id: str) -> None:
        await self._http.insist("POST", f"v1/runs/{run_id}/cancel", json={"user_id": user_id})

    async def skip(self, run_id: str, position: int, user_id: str) -> None:
        await self._http.insist("POST", f"v1/runs/{run_id}/steps/{position}/skip", json={"user_id": user_id})

    async def waiting(self, bot: str, user_id: str, chat_id: str = "") -> list[Confirmation]:
        """The newest questions that a person has not answered; with a chat, only those asked there."""
        wanted = _wanted(bot, user_id, chat_id) | {"state": "waiting", "limit": MOST_LISTED}
        answer = await self._http.insist("GET", "v1/confirmations", params=wanted)
        return [_question(item) for item in answer["items"]]

    async def question(self, confirmation_id: int) -> Confirmation:
        return _question(await self._http.insist("GET", f"v1/confirmations/{confirmation_id}"))

    async def confirm(self, confirmation_id: int, user_id: str, via: str, always: bool = False) -> None:
        body = {"user_id": user_id, "via": via, "always": always}
        await self._http.insist("POST", f"v1/confirmations/{confirmation_id}/confirm", json=body)

    async def refuse(self, confirmation_id: int, user_id: str, via: str) -> None:
        body = {"user_id": user_id, "via": via}
        await self._http.insist("POST", f"v1/confirmations/{confirmation_id}/cancel", json=body)

    async def grants(self, bot: str, user_id: str, chat_id: str = "") -> list[Grant]:
        """What a person has allowed; with a chat, only there."""
        answer = await self._http.insist("GET", "v1/grants", params=_wanted(bot, user_id, chat_id))
        return [read(Grant, item) for item in answer["items"]]

    async def revoke(self, grant_id: int, user_id: str) -> None:
        await self._http.insist("DELETE", f"v1/grants/{grant_id}", params={"user_id": user_id})


def _question(item: Mapping[str, Any]) -> Confirmation:
    return read(Confirmation, {**item, "grants": item.get("grants") is not None})


def _wanted(bot: str, user_id: str, chat_id: str) -> dict[str, str]:
    return {"bot": bot, "user_id": user_id} | ({"chat_id": chat_id} if chat_id else {})

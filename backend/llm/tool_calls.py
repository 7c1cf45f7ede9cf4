"""Tools on the wire: how they are offered, and how what a model calls is put together from its pieces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from backend.llm.types import ChatMessage, Outcome, ProviderFailed, Tool, ToolCall

# An answer that calls more, or at greater length, is garbage.
MOST_CALLS, LONGEST_ARGUMENTS = 64, 1 << 20


def offered(tool: Tool) -> dict[str, Any]:
    """A tool as endpoints take it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def called(call: ToolCall) -> dict[str, Any]:
    """A call as endpoints take it back."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def in_words(messages: Sequence[ChatMessage]) -> Iterator[ChatMessage]:
    """The same conversation for a model that knows no tools; what calls have brought is told to it in one message."""
    brought: list[str] = []
    for message in messages:
        if message.answers:
            brought.append(f"[What the call {message.answers} has brought]\n{message.content}")
            continue
        if brought:
            yield ChatMessage("user", "\n\n".join(brought))
            brought = []
        yield _in_words(message) if message.tool_calls else message
    if brought:
        yield ChatMessage("user", "\n\n".join(brought))


def _in_words(message: ChatMessage) -> ChatMessage:
    calls = (f"[Call {call.id} of {call.name}: {call.arguments}]" for call in message.tool_calls)
    return ChatMessage(message.role, "\n".join(filter(None, [message.content, *calls])))


@dataclass(slots=True)
class _Call:
    """A call that is being put together."""

    name: str = ""
    id: str = ""
    arguments: list[str] = field(default_factory=list)


class ToolCalls:
    """Fed with a message, or with one delta after another."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._places: dict[int, _Call] = {}
        self._length = 0

    def take(self, said: object) -> None:
        """Raises `ProviderFailed` if it calls something in no form that is known."""
        for call in _calls_in(said):
            function = call.get("function")
            if not isinstance(function, dict):
                raise ProviderFailed(Outcome.GARBLED, "a tool call without a function")
            name, id = function.get("name") or "", call.get("id")
            if not isinstance(name, str):
                raise ProviderFailed(Outcome.GARBLED, "a tool call without a name")
            id = id if isinstance(id, str) else ""
            self._add(self._place(call.get("index"), name, id), name, id, _text(function.get("arguments")))

    def read(self) -> tuple[ToolCall, ...]:
        """The calls, in their order."""
        return tuple(ToolCall(call.name, "".join(call.arguments), call.id) for call in self._calls if call.name)

    def _place(self, index: object, name: str, id: str) -> _Call:
        """Some providers number no calls: then each name begins one. Some give all of them one number."""
        if not isinstance(index, int):
            return self._begin() if name or not self._calls else self._calls[-1]
        place = self._places.get(index)
        if place is None or (name and id and place.id not in ("", id)):
            place = self._places[index] = self._begin()
        return place

    def _begin(self) -> _Call:
        if len(self._calls) == MOST_CALLS:
            raise ProviderFailed(Outcome.GARBLED, "endless tool calls")
        self._calls.append(_Call())
        return self._calls[-1]

    def _add(self, place: _Call, name: str, id: str, arguments: str) -> None:
        place.name, place.id = place.name or name, place.id or id
        place.arguments.append(arguments)
        self._length += len(arguments)
        if self._length > LONGEST_ARGUMENTS:
            raise ProviderFailed(Outcome.GARBLED, "endless tool calls")


def _calls_in(said: object) -> Iterator[dict[str, Any]]:
    calls = said.get("tool_calls") if isinstance(said, dict) else None
    if calls and not (isinstance(calls, list) and all(isinstance(call, dict) for call in calls)):
        raise ProviderFailed(Outcome.GARBLED, "the tool calls are no list")
    yield from calls or ()


def _text(arguments: object) -> str:
    """Arguments should be JSON in a string; some providers send the object itself."""
    return arguments if isinstance(arguments, str) else "" if arguments is None else orjson.dumps(arguments).decode()

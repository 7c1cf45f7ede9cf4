"""Tools on the wire: how they are offered, and how what a model calls is put together from its pieces."""

from collections.abc import Iterator
from typing import Any

import orjson

from backend.llm.types import Outcome, ProviderFailed, Tool, ToolCall

# An answer that calls more, or at greater length, is garbage.
MOST_CALLS, LONGEST_ARGUMENTS = 64, 1 << 20


def offered(tool: Tool) -> dict[str, Any]:
    """A tool as endpoints take it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


class ToolCalls:
    """Fed with a message, or with one delta after another."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._arguments: list[list[str]] = []
        self._places: dict[int, int] = {}
        self._length = 0

    def take(self, said: object) -> None:
        """Raises `ProviderFailed` if it calls something in no form that is known."""
        for call in _calls_in(said):
            function = call.get("function")
            if not isinstance(function, dict):
                raise ProviderFailed(Outcome.GARBLED, "a tool call without a function")
            name, arguments = function.get("name") or "", _text(function.get("arguments"))
            if not isinstance(name, str):
                raise ProviderFailed(Outcome.GARBLED, "a tool call without a name")
            self._add(self._place(call.get("index"), name), name, arguments)

    def read(self) -> tuple[ToolCall, ...]:
        """The calls, in their order."""
        arguments = ("".join(pieces) for pieces in self._arguments)
        return tuple(ToolCall(*call) for call in zip(self._names, arguments, strict=True) if call[0])

    def _place(self, index: object, name: str) -> int:
        """Some providers number no calls: then each name begins one."""
        if isinstance(index, int):
            return self._places.setdefault(index, len(self._names))
        return len(self._names) if name or not self._names else len(self._names) - 1

    def _add(self, place: int, name: str, arguments: str) -> None:
        if place == len(self._names):
            self._names.append("")
            self._arguments.append([])
        self._names[place] = self._names[place] or name
        self._arguments[place].append(arguments)
        self._length += len(arguments)
        if len(self._names) > MOST_CALLS or self._length > LONGEST_ARGUMENTS:
            raise ProviderFailed(Outcome.GARBLED, "endless tool calls")


def _calls_in(said: object) -> Iterator[dict[str, Any]]:
    calls = said.get("tool_calls") if isinstance(said, dict) else None
    if calls and not (isinstance(calls, list) and all(isinstance(call, dict) for call in calls)):
        raise ProviderFailed(Outcome.GARBLED, "the tool calls are no list")
    yield from calls or ()


def _text(arguments: object) -> str:
    """Arguments should be JSON in a string; some providers send the object itself."""
    return arguments if isinstance(arguments, str) else "" if arguments is None else orjson.dumps(arguments).decode()

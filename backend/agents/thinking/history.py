"""A step's history as it is stored: JSON in pydantic-ai's own form, read here without pydantic-ai."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from backend.agents.types import Wanted
from backend.llm import ToolCall

# Stands in a history for a call that cannot be what it was meant to be: of a tool there is not, or with arguments that
# cannot be read. No endpoint takes those back; so the model sees what it wrote, in a form that all of them take.
UNUSABLE = "unusable_call"
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def usable_arguments(written: str) -> dict[str, Any] | None:
    """The arguments that a model wrote; None if they are no JSON object, or one that Postgres cannot keep."""
    try:
        arguments = orjson.loads(written) if written.strip() else {}
    except orjson.JSONDecodeError:
        return None
    return arguments if isinstance(arguments, dict) and not NUL.search(written) else None


def as_unusable(call: ToolCall) -> dict[str, Any]:
    """What the stand-in says: what was called, and with which arguments, read if they can be."""
    arguments = usable_arguments(call.arguments)
    told = {"name": call.name.replace("\0", "")}
    return told | ({"written": call.arguments.replace("\0", "")} if arguments is None else {"arguments": arguments})


def wanted_in(history: Sequence[Any]) -> tuple[Wanted, ...]:
    """The calls with which a history ends."""
    if not history or history[-1]["kind"] != "response":
        return ()
    return tuple(_wanted(part) for part in history[-1]["parts"] if part["part_kind"] == "tool-call")


def _wanted(part: dict[str, Any]) -> Wanted:
    name, arguments = part["tool_name"], part["args"]
    if name == UNUSABLE:
        name, arguments = arguments["name"], arguments.get("arguments")
    return Wanted(part["tool_call_id"], name, arguments)

"""What some providers want back with the calls of their models: signed thoughts, without which they refuse to go on.

Gemini 3 signs each call in `extra_content`; OpenRouter has `reasoning_details` beside the calls. Nobody else is shown
them: some refuse a field that they do not know.
"""

import re
from typing import Any

import orjson

BESIDE_CALLS, WITH_CALL = "reasoning_details", "extra_content"
# A keepsake goes into every later request of its step, and into Postgres, which keeps no NUL.
LONGEST = 256 << 10
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def read_keepsake(provider: str, said: object) -> dict[str, Any] | None:
    """What is to be kept of a message that calls something."""
    if not isinstance(said, dict) or not said.get("tool_calls"):
        return None
    beside = {BESIDE_CALLS: said[BESIDE_CALLS]} if said.get(BESIDE_CALLS) else {}
    calls = [call.get(WITH_CALL) for call in said["tool_calls"]]
    if not beside and not any(calls):
        return None
    keepsake = {"provider": provider, "beside": beside, "calls": calls}
    written = orjson.dumps(keepsake)
    return None if len(written) > LONGEST or NUL.search(written) else keepsake


def with_keepsake(message: dict[str, Any], keepsake: dict[str, Any] | None, provider: str) -> dict[str, Any]:
    """The message as the provider has it back, if the keepsake is from there."""
    if not keepsake or keepsake["provider"] != provider or len(keepsake["calls"]) != len(message["tool_calls"]):
        return message
    signed = zip(message["tool_calls"], keepsake["calls"], strict=True)
    calls = [call | ({WITH_CALL: signature} if signature else {}) for call, signature in signed]
    return {**message, "tool_calls": calls, **keepsake["beside"]}

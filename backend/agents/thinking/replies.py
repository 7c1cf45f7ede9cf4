"""JSON among whatever else a model says."""

from typing import Any

import orjson


def object_in(reply: str) -> dict[str, Any]:
    """The object in a reply, which may stand in a fence or among words. Raises `ValueError`."""
    told = orjson.loads(reply[reply.index("{") : reply.rindex("}") + 1])
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told

"""What models and others say, without what Postgres does not take: NUL, and halves of characters."""

from typing import Any


def storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def storable_json(value: Any) -> Any:
    """All that is written in a JSON value, its keys included."""
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(key): storable_json(item) for key, item in value.items()}
        case list() | tuple():
            return [storable_json(item) for item in value]
    return value

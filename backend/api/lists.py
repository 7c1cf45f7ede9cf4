"""Lists come newest first and in parts; a cursor tells where the next one begins."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from backend.database import Page, Record
from backend.errors import Invalid

T = TypeVar("T", bound=BaseModel)
Place = TypeVar("Place")

LONGEST_CURSOR = 200
MOST_ITEMS = 200
LAST_NUMBER = 2**63 - 1


class CursorInvalid(Invalid):
    """The cursor is not one that we gave."""


class ListOut(BaseModel, Generic[T]):
    """A part of a list; hand `next_cursor` back as `cursor` for the next one."""

    items: list[T]
    next_cursor: str | None


class PartWanted(BaseModel):
    """The place in a list, and how much of it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    cursor: str | None = Field(default=None, max_length=LONGEST_CURSOR)
    """The `next_cursor` of the part before."""
    limit: int = Field(default=50, ge=1, le=MOST_ITEMS)
    """How many items a part has at most."""


def as_list(
    page: Page, shape: type[T], place: Callable[[Record], str], tell: Callable[[Record], Mapping[str, Any]] = dict
) -> ListOut[T]:
    """`place` tells where a row stands in the list, `tell` what is shown of it."""
    cursor = cursor_of(place(page.items[-1])) if page.more else None
    return ListOut(items=[shape(**tell(row)) for row in page.items], next_cursor=cursor)


def cursor_of(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


def read_cursor(cursor: str | None, read: Callable[[str], Place]) -> Place | None:
    """Raises `CursorInvalid`."""
    if cursor is None:
        return None
    try:
        return read(base64.b64decode(cursor, altchars=b"-_", validate=True).decode())
    except (ValueError, OverflowError) as error:
        raise CursorInvalid from error


def by_time_and_id(row: Record) -> str:
    return f"{row['created_at'].isoformat()} {row['id']}"


def time_and_id(place: str) -> tuple[datetime, UUID]:
    """What `by_time_and_id` has told. Raises `ValueError` or `OverflowError`."""
    created_at, _, id = place.partition(" ")
    return datetime.fromisoformat(created_at).astimezone(UTC), UUID(id)


def number(place: str) -> int:
    """A place that is a number in Postgres. Raises `ValueError`."""
    found = int(place)
    if not 0 <= found <= LAST_NUMBER:
        raise ValueError("out of range")
    return found

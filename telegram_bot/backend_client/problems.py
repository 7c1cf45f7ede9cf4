"""What may go wrong when the backend is asked."""

import json
from collections.abc import Mapping
from typing import Any

# Problems that only a client can notice, beside those the backend reports.
UNREACHABLE = "unreachable"
NO_ANSWER_IN_TIME = "no-answer-in-time"
UNNAMED = "about:blank"

LEASE_LOST = "/problems/lease-lost"
DELIVERY_OVER = "/problems/delivery-over"
DELIVERY_NOT_FOUND = "/problems/delivery-not-found"

# The same request may succeed a moment later. Keys make repeating it safe.
PASSING = {UNREACHABLE, NO_ANSWER_IN_TIME, "/problems/turn-interrupted", "/problems/storage-unavailable"}
PASSING_STATUSES = {429, 500, 502, 503, 504}


class BackendProblem(Exception):
    """The backend did not do what it was asked; `type` says why, `members` say more."""

    def __init__(self, type: str, status: int = 0, members: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{type} ({status})" if status else type)
        self.type = type
        self.status = status
        self.members = members or {}

    @property
    def passing(self) -> bool:
        return self.type in PASSING or (self.type == UNNAMED and self.status in PASSING_STATUSES)


def problem_in(content: bytes, status: int) -> BackendProblem:
    """The problem an answer tells; one without a name where a proxy, or something that is not the backend, speaks."""
    told = members_of(content)
    return BackendProblem(str(told.get("type", UNNAMED)), status, told)


def members_of(content: bytes) -> dict[str, Any]:
    """The JSON object; empty if it is none."""
    try:
        members = json.loads(content)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}

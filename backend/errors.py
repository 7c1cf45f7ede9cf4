"""Errors that the API reports as RFC 9457 problems.

A subclass is named after what went wrong, and the first line of its docstring is the title:

    class SessionBusy(Conflict):
        \"\"\"The session is still answering earlier messages.\"\"\"
"""

import re
from typing import Any, ClassVar


class Problem(Exception):
    """Something went wrong on our side."""

    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None, *, retry_after: float | None = None, **members: Any) -> None:
        """`retry_after` is in seconds; `members` are added to the problem's body."""
        super().__init__(detail or self.title())
        self.detail = detail
        self.retry_after = retry_after
        self.members = members

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

    @classmethod
    def type(cls) -> str:
        return "/problems/" + re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def body(self) -> dict[str, Any]:
        body = {"type": self.type(), "title": self.title(), "status": self.status}
        return body | ({"detail": self.detail} if self.detail else {}) | self.members

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(max(1, round(self.retry_after)))}


class Unauthorized(Problem):
    """A valid API key is needed."""

    status = 401

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Problem):
    """This is not allowed."""

    status = 403


class NotFound(Problem):
    """No such resource."""

    status = 404


class Conflict(Problem):
    """The request does not fit the current state."""

    status = 409


class TooLarge(Problem):
    """The request is too large."""

    status = 413


class Invalid(Problem):
    """The request is not valid."""

    status = 422


class TooMany(Problem):
    """Too many requests."""

    status = 429


class Unavailable(Problem):
    """A service we depend on did not answer."""

    status = 503

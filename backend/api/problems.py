"""Whatever goes wrong ends as an RFC 9457 problem: on the wire, and in the OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import orjson
import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import Invalid, NotFound, Problem

log = structlog.get_logger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MEDIA_TYPE = "application/problem+json"
# A body of a megabyte can hold a hundred thousand mistakes: so many are told, each place in so many characters.
MOST_ERRORS, LONGEST_PLACE = 20, 200
# Where pydantic speaks to programmers of pydantic.
PLAINER = {"model_attributes_type": "This should be a JSON object, sent with the header Content-Type: application/json"}


class InvalidRequest(Invalid):
    """The request is not valid."""


class PathNotFound(NotFound):
    """There is nothing at this path."""


class MethodNotAllowed(Problem):
    """This path does not know the method."""

    status = 405

    def __init__(self, allowed: str) -> None:
        super().__init__(f"allowed: {allowed}")
        self._allowed = allowed

    def headers(self) -> dict[str, str]:
        return {"Allow": self._allowed}


class Unexpected(Problem):
    """Something went wrong on our side."""


class Net:
    """ASGI middleware: what nobody has foreseen becomes a problem too, as long as nothing was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            await as_response(explain(error))(scope, receive, send)


async def report(request: Request, error: Exception) -> Response:
    """The one exception handler."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        return as_response(MethodNotAllowed(_allowed(request)))
    return as_response(explain(error))


def as_response(problem: Problem) -> Response:
    return Response(orjson.dumps(problem.body()), problem.status, problem.headers(), MEDIA_TYPE)


def explain(error: Exception) -> Problem:
    """The problem that a caller is told of; a bug is logged here, and the caller gets the number it is logged under."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return InvalidRequest(errors=list(_mistakes(error)))
        case HTTPException(status_code=404):
            return PathNotFound()
        case HTTPException(status_code=400):  # so FastAPI wraps whatever stops it from reading a body
            cause = error.__cause__
            return cause if isinstance(cause, Problem) else InvalidRequest("the body could not be read")
    request_id = str(uuid4())
    log.error("unexpected_error", request_id=request_id, exc_info=error)
    return Unexpected(request_id=request_id)


def _allowed(request: Request) -> str:
    """Every method of a path: Starlette's own answer names those of the first endpoint there."""
    scopes = [dict(request.scope) | {"method": method} for method in METHODS]
    found = [s["method"] for s in scopes if any(r.matches(s)[0] is Match.FULL for r in request.app.router.routes)]
    return ", ".join(found)


def _mistakes(error: RequestValidationError) -> Iterator[dict[str, str]]:
    """Where and what is wrong, without the value that was sent."""
    for mistake in error.errors()[:MOST_ERRORS]:
        message = PLAINER.get(mistake["type"], mistake["msg"])
        yield {"at": ".".join(map(str, mistake["loc"]))[:LONGEST_PLACE], "message": message}


def told(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """An endpoint's `responses` in the OpenAPI document: its problems by their status, each with an example."""
    examples: dict[int, dict[str, Any]] = {}
    for problem in problems:
        body = {"type": problem.type(), "title": problem.title(), "status": problem.status}
        examples.setdefault(problem.status, {})[problem.__name__] = {"summary": problem.title(), "value": body}
    return {status: _told(named) for status, named in examples.items()}


def _told(examples: Mapping[str, Any]) -> dict[str, Any]:
    titles = " ".join(example["summary"] for example in examples.values())
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    return {"description": titles, "content": {MEDIA_TYPE: content}}

"""The application: `create_app` is what a server runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, TypedDict

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from backend.api import chat, health, sessions
from backend.api.gate import Gate, as_response
from backend.bootstrap import Backend, open_backend
from backend.errors import Invalid, Problem
from backend.settings import Settings

PROBLEM = {
    "description": "A problem, as in RFC 9457. Decide by `type`.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "example": "/problems/session-busy"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


class InvalidRequest(Invalid):
    """The request is not valid."""


class State(TypedDict):
    backend: Backend


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application, which opens its backend when it starts."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with open_backend(settings) as backend:
            await backend.chat.open()
            try:
                yield State(backend=backend)
            finally:
                await backend.chat.close()

    return _with_faces(lifespan, settings)


def _with_faces(lifespan: Any, settings: Settings) -> FastAPI:
    app = FastAPI(
        title="LLM Bot Core",
        version=version("llm-bot-core"),
        lifespan=lifespan,
        responses=dict.fromkeys((401, 404, 409, 413, 422, 503), PROBLEM),
    )
    for router in (chat.router, sessions.router):
        app.include_router(router, prefix="/v1")
    app.include_router(health.router)
    app.add_middleware(Gate, keys=settings.keys)
    app.add_exception_handler(Problem, _report_problem)
    app.add_exception_handler(RequestValidationError, _report_invalid)
    app.add_exception_handler(HTTPException, _report_http)
    return app


async def _report_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return as_response(error)


async def _report_invalid(request: Request, error: Exception) -> JSONResponse:
    """Where and what is wrong, without echoing what was sent."""
    assert isinstance(error, RequestValidationError)
    errors = [{"at": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
    return as_response(InvalidRequest(errors=errors))


async def _report_http(request: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    body = {"type": "about:blank", "title": error.detail, "status": error.status_code}
    return JSONResponse(body, error.status_code, headers=error.headers, media_type="application/problem+json")

"""The application: `create_app` is what a server runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TypedDict

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from backend.api import (
    admissions,
    agents,
    attachments,
    bots,
    cards,
    chat,
    confirmations,
    console,
    conversation,
    deliveries,
    documents,
    health,
    macros,
    memory,
    relays,
    routes,
    runs,
    sessions,
    skills,
)
from backend.api.assets import Assets, show_docs
from backend.api.console import Console
from backend.api.document import ABOUT, TAGS, Documented
from backend.api.gate import Gate
from backend.api.problems import Net, report, told
from backend.bootstrap import Backend, open_backend
from backend.errors import Problem, Unauthorized
from backend.settings import Settings


class State(TypedDict):
    """What the application keeps from its start to its end."""

    backend: Backend
    console: Console


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application, which opens its backend when it starts."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with open_backend(settings) as backend:
            pages = Console(backend)
            await backend.chat.open()
            pages.open()
            try:
                yield State(backend=backend, console=pages)
            finally:
                await pages.close()
                await backend.chat.close()

    app = Documented(
        title="LLM Bot Core",
        description=ABOUT,
        version=version("llm-bot-core"),
        openapi_tags=TAGS,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    talking = chat, conversation, deliveries, cards, sessions, memory, documents, attachments
    doing = runs, confirmations, agents, skills
    for part in (*talking, *doing, macros, routes, bots, admissions, relays):
        app.include_router(part.router, prefix="/v1", responses=told(Unauthorized))
    for router in (health.router, console.router):
        app.include_router(router)
    app.add_api_route("/docs", show_docs, include_in_schema=False)
    app.mount("/static", Assets())
    for kind in (Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, report)
    files = {"/v1/documents": settings.max_document_bytes, "/v1/attachments": settings.max_attachment_bytes}
    app.add_middleware(Gate, keys=settings.keys, files=files)
    app.add_middleware(Net)
    return app

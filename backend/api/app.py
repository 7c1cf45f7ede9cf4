"""The application: `create_app` is what a server runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

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
from backend.api.dependencies import State
from backend.api.document import ABOUT, TAGS, Documented
from backend.api.gate import Gate
from backend.api.problems import Net, report, told
from backend.bootstrap import open_backend
from backend.errors import Problem, Unauthorized
from backend.settings import Settings


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

    app = Documented(
        title="LLM Bot Core",
        description=ABOUT,
        version=version("llm-bot-core"),
        openapi_tags=TAGS,
        lifespan=lifespan,
        redirect_slashes=False,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    talking = chat, conversation, deliveries, cards, sessions, memory, documents, attachments
    doing = runs, confirmations, agents, skills
    for part in (*talking, *doing, macros, routes, bots, admissions, relays):
        app.include_router(part.router, prefix="/v1", responses=told(Unauthorized))
    app.include_router(health.router)
    for kind in (Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, report)
    files = {"/v1/documents": settings.max_document_bytes, "/v1/attachments": settings.max_attachment_bytes}
    app.add_middleware(Gate, keys=settings.keys, files=files)
    app.add_middleware(Net)
    return app

"""The OpenAPI document: what it says beside the endpoints."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

ABOUT = """
A language-model bot with a memory: `POST /v1/chat/handle` takes what a person says and returns the answer.

**Who may ask.** With `API_KEYS` set, `Authorization: Bearer KEY`; without, only callers on the same machine.

**Repeating.** A message with a `key` may be sent again, also after a restart: it gets the answer of the first time.

**Errors** are `application/problem+json`. Decide by `type`, which is stable, and not by the texts. `Retry-After`, where
it is given, is in seconds.

**Lists** come newest first and in parts: hand `next_cursor` back as `cursor`, until it is null.
"""

TAGS = [
    {"name": "chat", "description": "A message and its answer; the beginning of a new dialogue."},
    {"name": "deliveries", "description": "What is to be handed to people, and how far that has come."},
    {"name": "sessions", "description": "What was said, what is remembered of it, and what a model is shown."},
    {"name": "memory", "description": "What is found in memory, and what is to be forgotten."},
    {"name": "documents", "description": "Files that a bot, a person or a group should be able to ask about."},
    {"name": "attachments", "description": "Recordings and images, put into words."},
    {"name": "runs", "description": "What is done in the background: how it fares, its files, and how it is stopped."},
    {"name": "confirmations", "description": "What people are asked before something is done, and what they allow."},
    {"name": "agents", "description": "Who carries out what people ask for, with which skills, and what was done."},
    {"name": "macros", "description": "Prompts and plans that messages may ask for, and what was decided about them."},
    {"name": "bots", "description": "Who speaks: bots, where they stand in Telegram, and who may talk to them."},
    {"name": "relays", "description": "For the processes between Telegram and the backend: which runs which bots."},
    {"name": "health", "description": "For whoever looks after the process."},
]

KEY = {"type": "http", "scheme": "bearer", "description": "One of `API_KEYS`; not needed where none are set."}


class Mistake(BaseModel):
    """What is wrong with a request, and where."""

    at: str = Field(examples=["body.user_id"])
    message: str = Field(examples=["String should have at most 128 characters"])


class ProblemShape(BaseModel):
    """What went wrong, as in RFC 9457; some types have more members."""

    model_config = ConfigDict(title="Problem", extra="allow", use_attribute_docstrings=True)

    type: str = Field(examples=["/problems/session-busy"])
    """Which problem it is; stable."""
    title: str = Field(examples=["The session is still answering earlier messages."])
    """The same for every problem of a type."""
    status: int = Field(examples=[409])
    detail: str = ""
    """What is the matter this time, in a sentence."""
    errors: list[Mistake] = []
    """Of `/problems/invalid-request`: what is wrong, and where."""
    request_id: str = ""
    """Of `/problems/unexpected`: under this number the log tells what happened."""


class Documented(FastAPI):
    """An application whose document knows problems and keys."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            document = super().openapi()
            components = document["components"]
            problem = ProblemShape.model_json_schema(ref_template="#/components/schemas/{model}")
            components["schemas"] |= {**problem.pop("$defs"), "Problem": problem}
            components["securitySchemes"] = {"key": KEY}
            document["security"] = [{"key": []}, {}]
        return super().openapi()

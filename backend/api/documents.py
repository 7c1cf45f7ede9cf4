"""Documents as memory: a file comes in, is read by a worker, and is found by what is in it."""

from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.lists import CursorInvalid, ListOut, PartWanted, as_list, by_time_and_id, read_cursor, time_and_id
from backend.api.message import DEFAULT_BOT
from backend.api.problems import InvalidRequest, told
from backend.api.texts import LONGEST, Body, Id, OptionalId, Word
from backend.bots import ApprovalNeeded, Asking, NotAllowed, TooManyMessages
from backend.database import StorageUnavailable
from backend.memory.documents import DocumentEmpty, DocumentNotFound, DocumentUnsupported, Filter
from backend.memory.scopes import BotNotFound, Whose
from backend.reader import Reason

router = APIRouter(prefix="/documents", tags=["documents"])


class DocumentIn(Body):
    """A file, and whose memory it becomes."""

    file: Annotated[UploadFile, File()]
    """A text, Markdown, HTML, PDF or DOCX of at most `MAX_DOCUMENT_BYTES` (10 MiB)."""
    bot: Id = DEFAULT_BOT
    """Who will know it."""
    user_id: OptionalId = Field(default="", examples=["42"])
    """Whose it is; without a person and a chat it is the bot's own, and known to everybody who talks to it."""
    chat_id: OptionalId = Field(default="", examples=["-100200300"])
    """Which group's it is; not together with `user_id`."""
    thread_id: OptionalId = ""
    """Of which of the group's topics."""
    name: Word = Field(default="", examples=["Rental contract"])
    """What it is called when it is quoted; else as the file."""
    sender_id: OptionalId = Field(default="", examples=["42"])
    """Who has sent it: with this, only those are served whose message the bot would take now. Nothing is counted."""
    sender_name: Word = Field(default="", examples=["Anna"])
    """What the sender is called."""
    language: Word = Field(default="", examples=["en"])
    """The sender's."""

    @model_validator(mode="after")
    def _names_one_owner(self) -> "DocumentIn":
        if self.user_id and self.chat_id:
            raise PydanticCustomError("whose", "name either a user_id or a chat_id")
        if self.thread_id and not self.chat_id:
            raise PydanticCustomError("whose", "a thread_id goes with a chat_id")
        return self


class DocumentOut(BaseModel):
    """A file that memory holds."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: UUID
    bot: str = Field(examples=["default"])
    user_id: str = Field(examples=["42"])
    chat_id: str
    thread_id: str
    name: str = Field(examples=["contract.pdf"])
    media_type: str = Field(examples=["application/pdf"])
    size: int
    """In bytes."""
    sha256: str
    state: Literal["waiting", "reading", "ready", "failed"]
    """It can be found once it is ready."""
    problem: Reason | None
    """Why it failed: damaged, more text than memory takes, behind a password, or without any text, as scans are."""
    pieces: int
    """In so many pieces it can be found."""
    created_at: datetime
    finished_at: datetime | None


class DocumentsWanted(PartWanted):
    """Which documents are listed."""

    bot: Id | None = None
    """Known to this bot."""
    user_id: Id | None = None
    """Of this person."""
    chat_id: Id | None = None
    """Of this group."""


SHOWN = told(DocumentNotFound, InvalidRequest, StorageUnavailable)


@router.post(
    "",
    status_code=202,
    responses=told(
        NotAllowed,
        ApprovalNeeded,
        BotNotFound,
        BodyTooLarge,
        DocumentUnsupported,
        DocumentEmpty,
        InvalidRequest,
        TooManyMessages,
        StorageUnavailable,
    ),
)
async def add_document(
    document: Annotated[DocumentIn, Form(media_type="multipart/form-data")], backend: BackendDep
) -> DocumentOut:
    """Add a document to memory.

    It is read after the answer: ask for it until it is `ready` or `failed`. The same file of the same owner is one
    document, however often it comes; one that failed is tried again.
    """
    if sender := document.sender_id:
        place = (document.chat_id, "supergroup") if document.chat_id else (sender, "private")
        await backend.bots.would_admit(Asking(document.bot, sender, document.sender_name, *place, document.language))
    limit = backend.settings.max_document_bytes
    content = await document.file.read(limit + 1)
    if len(content) > limit:
        raise BodyTooLarge(f"a document has at most {limit} bytes", limit=limit)
    file_name = _base(document.file.filename or "")
    whose = Whose(document.bot, document.user_id, document.chat_id, document.thread_id)
    added = await backend.documents.add(whose, content, file_name=file_name, name=document.name or file_name)
    return DocumentOut(**added)


@router.get("", responses=told(InvalidRequest, CursorInvalid, StorageUnavailable))
async def list_documents(wanted: Annotated[DocumentsWanted, Query()], backend: BackendDep) -> ListOut[DocumentOut]:
    """Everybody's, or those that fit the filters."""
    found = Filter(wanted.bot, wanted.user_id, wanted.chat_id)
    after = read_cursor(wanted.cursor, time_and_id)
    page = await backend.documents.list(found, after=after, limit=wanted.limit)
    return as_list(page, DocumentOut, by_time_and_id)


@router.get("/{document_id}", responses=SHOWN)
async def get_document(document_id: UUID, backend: BackendDep) -> DocumentOut:
    """One document, and how far it is."""
    return DocumentOut(**await backend.documents.get(document_id))


@router.delete("/{document_id}", status_code=204, response_class=Response, responses=SHOWN)
async def delete_document(document_id: UUID, backend: BackendDep) -> None:
    """Forget a document: nothing of it is found any more."""
    await backend.documents.delete(document_id)


def _base(path: str) -> str:
    """A file's name without its folder, which some clients send along; the end of it, if it is long."""
    name = PurePath(path.replace("\\", "/").replace("\x00", "")).name
    return name.encode(errors="ignore").decode().strip(". ")[-LONGEST:] or "document"

"""What people send that is no text: a recording or an image comes in, and words come out."""

from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from backend.api.dependencies import BackendDep
from backend.api.gate import BodyTooLarge
from backend.api.message import DEFAULT_BOT
from backend.api.problems import InvalidRequest, told
from backend.api.texts import NO_NUL, Body, Id, OptionalId, Word, storable
from backend.bots import ApprovalNeeded, Asking, BotNotFound, NotAllowed, TooManyMessages
from backend.database import StorageUnavailable
from backend.errors import TooLarge
from backend.llm import AttachmentNotUnderstood, AttachmentUnsupported, Kind, NoProviderAnswered

router = APIRouter(prefix="/attachments", tags=["attachments"])

LONGEST_CAPTION = 4_000

Caption = Annotated[
    str, Field(max_length=LONGEST_CAPTION, json_schema_extra={"pattern": NO_NUL}), AfterValidator(storable)
]


class AttachmentTooLarge(TooLarge):
    """The attachment is too large."""


class AttachmentIn(Body):
    """A file, and who has sent it."""

    file: Annotated[UploadFile, File()]
    """A recording (OGG, MP3, M4A, MP4, WAV, WebM, FLAC) or an image (JPEG, PNG, WebP, GIF) of at most
    `MAX_ATTACHMENT_BYTES` (20 MiB). What it is, is told by what is in it."""
    kind: Kind
    """Whether it is heard or seen."""
    caption: Caption = ""
    """What the person wrote with it: the question to an image; names, perhaps, of which a recording speaks."""
    language: Word = Field(default="", examples=["en"])
    """The person's language, in which an image is described."""
    bot: Id = DEFAULT_BOT
    """To whom it was sent."""
    user_id: OptionalId = Field(default="", examples=["42"])
    """Who has sent it: with this, only those are served whose message the bot would take now. Nothing is counted."""
    user_name: Word = Field(default="", examples=["Anna"])
    """What the person is called."""
    chat_id: OptionalId = Field(default="", examples=["42"])
    """Where it was sent."""
    chat_type: Word = Field(default="private", examples=["private"])
    """What kind of place that is."""


class AttachmentOut(BaseModel):
    """The attachment in words."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    text: str
    """What is said in the recording, nothing if it is silent; or what there is to see in the image."""


@router.post(
    "",
    responses=told(
        NotAllowed,
        ApprovalNeeded,
        BotNotFound,
        AttachmentTooLarge,
        BodyTooLarge,
        AttachmentNotUnderstood,
        AttachmentUnsupported,
        InvalidRequest,
        TooManyMessages,
        NoProviderAnswered,
        StorageUnavailable,
    ),
)
async def understand(
    sent: Annotated[AttachmentIn, Form(media_type="multipart/form-data")], backend: BackendDep
) -> AttachmentOut:
    """Put a recording or an image into words, by the models of `TRANSCRIPTION` and `VISION_LLM_CHAIN`.

    Nothing of it is kept but what the calls have cost.
    """
    if sent.user_id:
        await backend.bots.would_admit(
            Asking(sent.bot, sent.user_id, sent.user_name, sent.chat_id or sent.user_id, sent.chat_type, sent.language)
        )
    limit = backend.settings.max_attachment_bytes
    content = await sent.file.read(limit + 1)
    if len(content) > limit:
        raise AttachmentTooLarge(f"an attachment has at most {limit} bytes", limit=limit)
    text = await backend.attachments.understand(sent.kind, content, caption=sent.caption, language=sent.language)
    return AttachmentOut(text=text)

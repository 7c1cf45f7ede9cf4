"""Asks the first model of a chain that answers; counts tokens and cost; embeds."""

from backend.llm.attachments import AttachmentNotUnderstood as AttachmentNotUnderstood
from backend.llm.attachments import Attachments as Attachments
from backend.llm.attachments import AttachmentUnsupported as AttachmentUnsupported
from backend.llm.attachments import Kind as Kind
from backend.llm.llm import Llm as Llm
from backend.llm.types import Answer as Answer
from backend.llm.types import Call as Call
from backend.llm.types import ChatMessage as ChatMessage
from backend.llm.types import Completion as Completion
from backend.llm.types import Media as Media
from backend.llm.types import NoProviderAnswered as NoProviderAnswered
from backend.llm.types import Outcome as Outcome
from backend.llm.types import Provider as Provider
from backend.llm.types import ProviderFailed as ProviderFailed
from backend.llm.types import Purpose as Purpose
from backend.llm.types import Show as Show
from backend.llm.types import Tool as Tool
from backend.llm.types import ToolCall as ToolCall
from backend.llm.types import Usage as Usage

"""Our chain of providers, as a model that pydantic-ai can ask."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from backend.agents.thinking.history import UNUSABLE, as_unusable, usable_arguments
from backend.agents.thinking.spending import prompt_tokens, spent
from backend.agents.types import LimitReached
from backend.llm import ChatMessage, Completion, Llm, Purpose, Tool, ToolCall

# An id that every provider takes back; some want it of exactly this length.
FIT_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
OWN_ID = "call{:05}"


@dataclass
class Chain(Model):
    """Asks the chain once, unless that takes more tokens than there are; keeps what was `said`, and `spent` on it."""

    llm: Llm
    chain: str
    tokens: int
    said: Completion | None = field(default=None, init=False)
    spent: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def model_name(self) -> str:
        return self.chain or "default"

    @property
    def system(self) -> str:
        return "chain"

    def prepare_messages(
        self, messages: list[ModelMessage], model_request_parameters: ModelRequestParameters | None = None
    ) -> list[ModelMessage]:
        """As they are: otherwise a text that looks like pydantic-ai's own frames gets a message of the system's."""
        return messages

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Raises `LimitReached`, `NoProviderAnswered`."""
        tools = [_tool(offered) for offered in model_request_parameters.function_tools if offered.name != UNUSABLE]
        prompt = prompt_of(messages)
        if prompt_tokens(prompt, tools) > self.tokens:
            raise LimitReached
        said = await self.llm.complete(Purpose.AGENT, prompt, chain=self.chain, tools=tools)
        self.said, self.spent = said, spent(said, prompt, tools)
        known = {tool.name for tool in tools}
        calls = [_part(call, known) for call in _uniquely_named(said.tool_calls, {*_ids(messages)})]
        words = [TextPart(said.text)] if said.text else []
        return ModelResponse(
            [*words, *calls], model_name=said.model, provider_name=said.provider, provider_details=said.keepsake
        )


def prompt_of(messages: Sequence[ModelMessage]) -> list[ChatMessage]:
    """A history as providers are shown it; the latest instructions hold."""
    *_, instructions = (message.instructions for message in messages if isinstance(message, ModelRequest))
    return [ChatMessage("system", instructions or ""), *(line for message in messages for line in _lines(message))]


def _lines(message: ModelMessage) -> Iterator[ChatMessage]:
    if isinstance(message, ModelRequest):
        yield from map(_told, message.parts)
    else:
        calls = tuple(
            ToolCall(call.tool_name, call.args_as_json_str(), call.tool_call_id) for call in message.tool_calls
        )
        yield ChatMessage("assistant", message.text or "", tool_calls=calls, keepsake=message.provider_details)


def _told(part: ModelRequestPart) -> ChatMessage:
    match part:
        case ToolReturnPart():
            return ChatMessage("tool", part.model_response_str(), answers=part.tool_call_id)
        case UserPromptPart(content=str() as content):
            return ChatMessage("user", content)
    raise TypeError(f"nobody writes a {part.part_kind} into a step's history")


def _tool(offered: ToolDefinition) -> Tool:
    return Tool(offered.name, offered.description or "", offered.parameters_json_schema, needed=True)


def _ids(messages: Sequence[ModelMessage]) -> Iterator[str]:
    return (call.tool_call_id for said in messages if isinstance(said, ModelResponse) for call in said.tool_calls)


def _uniquely_named(calls: Sequence[ToolCall], taken: set[str]) -> Iterator[ToolCall]:
    """With an id of ours where a provider gave none, one that others do not take, or one that was there before."""
    for call in calls:
        id, number = call.id, len(taken)
        while id in taken or not FIT_ID.fullmatch(id):
            number += 1
            id = OWN_ID.format(number)
        taken.add(id)
        yield ToolCall(call.name, call.arguments, id)


def _part(call: ToolCall, known: set[str]) -> ToolCallPart:
    arguments = usable_arguments(call.arguments)
    if call.name in known and arguments is not None:
        return ToolCallPart(call.name, arguments, call.id)
    return ToolCallPart(UNUSABLE, as_unusable(call), call.id)

"""What thinking costs, in tokens: as providers tell it, or counted here where they do not."""

from collections.abc import Sequence

import orjson

from backend.llm import ChatMessage, Completion, Outcome, Tool
from backend.llm.tokens import count_tokens

# What chat formats put around a message.
PER_MESSAGE = 4


def prompt_tokens(messages: Sequence[ChatMessage], tools: Sequence[Tool] = ()) -> int:
    """How many tokens a model reads before it answers."""
    offered = [orjson.dumps([tool.name, tool.description, tool.parameters]).decode() for tool in tools]
    called = [call.arguments for message in messages for call in message.tool_calls]
    texts = [*(message.content for message in messages), *offered, *called]
    return sum(PER_MESSAGE + count_tokens(text) for text in texts)


def spent(completion: Completion, prompt: Sequence[ChatMessage], tools: Sequence[Tool] = ()) -> int:
    """How many tokens an answer has cost, failed requests included as far as providers tell."""
    told = [call.usage.tokens_in or 0 for call in completion.calls]
    told += [call.usage.tokens_out or 0 for call in completion.calls]
    answered = [call.usage for call in completion.calls if call.outcome is Outcome.ANSWERED]
    if any(usage.tokens_in is not None for usage in answered):
        return sum(told)
    said = [completion.text, *(call.arguments for call in completion.tool_calls)]
    return sum(told) + prompt_tokens(prompt, tools) + sum(map(count_tokens, said))

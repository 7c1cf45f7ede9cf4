"""What a model is shown for one call: a pure function of the past, the question and a budget of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from backend.llm import ChatMessage
from backend.llm.tokens import count_tokens
from backend.memory.group import SEVERAL, overhear
from backend.memory.recollection import recollect
from backend.memory.retrieval.passages import Found
from backend.memory.transcript import Fact, Line, Past

# What a message costs beside its text: role and separators, as OpenAI documents it for its chat format.
OVERHEAD_TOKENS = 4

PERSONA = "You are a helpful assistant. Answer in the language of the person."
EARLIER = "What was said earlier in this conversation, in short. It is a record, not an instruction."
KEPT = "To be kept in mind from it:"


@dataclass(frozen=True, slots=True)
class Window:
    """The messages for the model, what they cost in tokens, and how many old ones did not fit."""

    messages: Sequence[ChatMessage]
    tokens: int
    dropped: int


def fit(persona: str, past: Past, question: Line, *, now: datetime, budget: int, found: Found | None = None) -> Window:
    """The stable part first, so that providers can cache it; what changes every time comes last.

    The persona, the summary and the question are always there. The history fills what they leave of the budget, the
    newest first; it is a gapless end of the history. Passages of memory take what is left after it, up to a quarter of
    the budget: what was just said is never pushed out by what was said long ago. In a group, what others said lately
    takes up to an eighth of it before them.
    """
    before = [_system(persona or PERSONA)]
    if past.heard is not None:
        before.append(_system(SEVERAL))
    if past.summary:
        before.append(Line("system", render(past.summary.story, past.summary.facts), past.summary.tokens))
    after = [_system(f"It is {now:%A, %Y-%m-%d %H:%M %Z}.")]
    tokens = sum(line.tokens + OVERHEAD_TOKENS for line in (*before, *after, question))
    kept = 0
    for line in reversed(past.lines):
        if tokens + line.tokens + OVERHEAD_TOKENS > budget:
            break
        tokens += line.tokens + OVERHEAD_TOKENS
        kept += 1
    if past.heard and (overheard := overhear(past.heard, min(budget - tokens, budget // 8) - OVERHEAD_TOKENS)):
        after.insert(0, Line("system", overheard, count_tokens(overheard)))
        tokens += after[0].tokens + OVERHEAD_TOKENS
    room = min(budget - tokens, budget // 4) - OVERHEAD_TOKENS
    if found and (recollection := recollect(found, room)):
        after.insert(0, Line("system", recollection, count_tokens(recollection)))
        tokens += after[0].tokens + OVERHEAD_TOKENS
    history = past.lines[len(past.lines) - kept :]
    shown = [ChatMessage(line.role, line.content) for line in (*before, *history, *after, question)]
    return Window(shown, tokens, len(past.lines) - kept)


def most_lines(budget: int) -> int:
    """More messages than this cannot fit into a budget, however short they are."""
    return budget // (OVERHEAD_TOKENS + 1) + 1


def render(story: str, facts: Sequence[Fact]) -> str:
    """A summary as a model reads it."""
    parts = [EARLIER, story]
    if facts:
        parts.append("\n".join([KEPT, *(f"- {fact.kind}: {fact.text}" for fact in facts)]))
    return "\n\n".join(parts)


@lru_cache(maxsize=256)  # a persona is the same in every turn, the time for a minute
def _system(text: str) -> Line:
    return Line("system", text, count_tokens(text))

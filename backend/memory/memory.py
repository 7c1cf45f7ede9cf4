from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog

from backend.database import Database
from backend.llm import Call, Llm, NoProviderAnswered, Purpose
from backend.llm.calls import record_calls
from backend.memory import transcript
from backend.memory.folding import Fold, Limits, next_fold, overdue, store_fold
from backend.memory.forgetting import Receipt, forget_person
from backend.memory.indexing import Indexing
from backend.memory.indexing.promises import NOTHING, Promise, promise
from backend.memory.retrieval.knowing import Known
from backend.memory.retrieval.passages import Found
from backend.memory.retrieval.search import Retrieval
from backend.memory.scopes import Whose, scopes_of
from backend.memory.summary import Draft, SummaryUnusable, read_summary, summary_prompt
from backend.memory.transcript import Line, Past
from backend.memory.window import Window, fit, most_lines

log = structlog.get_logger(__name__)

# Beyond so many facts per token of budget, about an eighth of it, the model is asked to join some.
FACTS_PER_TOKEN = 1 / 160
# A summary that was asked for and has not come in so many seconds is asked for again.
ASK_AGAIN_SECONDS = 60.0


class Memory:
    """What is remembered of a session, fitted into what a model can be shown."""

    def __init__(self, db: Database, llm: Llm, retrieval: Retrieval, indexing: Indexing, limits: Limits) -> None:
        self._db = db
        self._llm = llm
        self._retrieval = retrieval
        self._indexing = indexing
        self._limits = limits

    @property
    def remembers(self) -> bool:
        """Whether it can be found later what is said now."""
        return self._limits.passages > 0

    @property
    def most_lines(self) -> int:
        """How many messages a past needs to hold at most."""
        return most_lines(self._limits.context_tokens)

    @property
    def summary_threshold(self) -> int:
        """After how many messages a summary is due; 0 while no model could write one."""
        return self._limits.summary_threshold if self._llm.chain(Purpose.SUMMARY) else 0

    def is_full(self, window: Window) -> bool:
        """Whether a summary should come now, however few messages there are."""
        return window.dropped > 0 or window.tokens > self._limits.full

    async def recall(self, session_id: UUID, *, before: int, in_group: bool = False) -> Past:
        """What was said in a session before a position; in a group, also what was heard of others."""
        return await transcript.read_past(self._db, session_id, before=before, limit=self.most_lines, in_group=in_group)

    def window(self, persona: str, past: Past, question: Line, found: Found | None = None) -> Window:
        """What the model is shown."""
        return fit(persona, past, question, now=datetime.now(UTC), budget=self._limits.context_tokens, found=found)

    async def find(
        self, text: str, scopes: Sequence[UUID], *, not_in: tuple[UUID, int], known: Known | None = None
    ) -> Found:
        """What was said or stored about a text, but for what was said in a session from a position on."""
        now, limit = datetime.now(UTC), self._limits.passages
        return await self._retrieval.search(text, scopes=scopes, now=now, limit=limit, not_in=not_in, known=known)

    async def search(self, whose: Whose, text: str, *, at: datetime, limit: int) -> Found:
        """What was said or stored about a text, asked at a moment. Raises `BotNotFound`."""
        scopes = await scopes_of(self._db, whose)
        return await self._retrieval.search(text, scopes=scopes, now=at, limit=limit)

    def promise(self, role: str, text: str) -> Promise:
        """What is stored with a message, so that it will be found."""
        return promise(role, text) if self.remembers else NOTHING

    async def forget(self, user_id: str, bot: str | None) -> Receipt:
        """Delete what is kept of a person, by one bot or by all, and look whether it is gone; safe to repeat."""
        return await forget_person(self._db, self._indexing, self._retrieval, user_id, bot)

    async def overdue(self) -> list[UUID]:
        """Sessions whose summary was asked for a while ago and has not come."""
        return await overdue(self._db, ASK_AGAIN_SECONDS)

    async def summarize(self, session_id: UUID) -> None:
        """Fold what is due into the next version of the summary; safe to repeat, and to do twice at once.

        Raises `NoProviderAnswered` or `SummaryUnusable`: then nothing has changed, and it is asked for again.
        """
        while fold := await next_fold(self._db, session_id, self._limits):
            try:
                stored = await self._fold(session_id, fold)
            except NoProviderAnswered as problem:
                await self._record(session_id, problem.calls)
                raise
            if not stored:
                return

    async def _fold(self, session_id: UUID, fold: Fold) -> bool:
        facts_limit = int(self._limits.context_tokens * FACTS_PER_TOKEN)
        prompt = summary_prompt(fold.previous, fold.lines, facts_limit=facts_limit)
        completion = await self._llm.complete(Purpose.SUMMARY, prompt)
        try:
            draft: Draft = read_summary(completion.text, fold.previous)
        except SummaryUnusable:
            await self._record(session_id, completion.calls)
            raise
        async with self._db.begin() as tx:
            return await store_fold(tx, session_id, fold, draft, completion)

    async def _record(self, session_id: UUID, calls: tuple[Call, ...]) -> None:
        """What did not help was paid for all the same."""
        async with self._db.begin() as tx:
            await record_calls(tx, session_id, calls)

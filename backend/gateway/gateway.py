import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from backend.database import Database, StorageUnavailable
from backend.gateway.categorizer import DecisionUnreadable, categorizer_prompt, read_wish
from backend.gateway.deciding import Errand, Mode, Route, Strategy, decide, failed, wish_of
from backend.gateway.draft import Draft, Question
from backend.gateway.macros import Macro
from backend.gateway.registry import Registry
from backend.gateway.routes import examples_of
from backend.gateway.shelf import Shelf
from backend.llm import ChatMessage, Completion, Llm, NoProviderAnswered, Outcome, Purpose

log = structlog.get_logger(__name__)

# A person waits for the answer meanwhile.
CATEGORIZER_SECONDS = 10.0
IN_WORDS = "the model answered in words"


class Gateway:
    """Decides what a message asks for, and has it answered so; where nothing else is on offer, that is chat."""

    def __init__(self, db: Database, llm: Llm, mode: Mode, *, router_chain: bool = False) -> None:
        """With a `router_chain` of its own, the categorizer does not ask the chain that answers."""
        self._db = db
        self._llm = llm
        self._mode = mode
        self._router_chain = router_chain
        self._registry = Registry(db)
        self.macros = Shelf(db, self._registry)

    def has_model(self, chain: str) -> bool:
        """Whether anybody could answer; `chain` is a bot's, if it has its own."""
        return bool(self._llm.chain(Purpose.CHAT, chain))

    async def answer(self, question: Question, draft: Draft) -> Completion:
        """The answer; the draft tells what was decided. A router that fails, or errs, means chat.

        Raises `NoProviderAnswered`.
        """
        macros = {} if self._mode is Mode.OFF else await self._registry.of(question.bot)
        if not macros:
            return await self._ask(question, draft, question.messages)
        if self._mode is Mode.INLINE:
            return await self._answer_or_call(question, draft, macros)
        draft.route, errand = await self._categorize(question, draft, macros)
        return await self._ask(question, draft, errand.prompt(question.text) if errand else question.messages)

    async def _answer_or_call(self, question: Question, draft: Draft, macros: Mapping[str, Macro]) -> Completion:
        """The model that answers is offered the macros: plain chat is one call."""
        try:
            first = await self._ask(question, draft, question.messages, macros=macros)
        except NoProviderAnswered as problem:
            if draft.shown or any(call.outcome is Outcome.TIMEOUT for call in problem.calls):
                raise  # people have seen a part of it, or have waited long enough
            draft.route = failed(Mode.INLINE, "nobody answered when macros were offered")
            return await self._ask(question, draft, question.messages)
        model = _model(first)
        if not first.tool_calls:
            draft.route = Route(Strategy.CHAT, Mode.INLINE, why=IN_WORDS, model=model)
            return first
        route, errand = decide(wish_of(first.tool_calls[0]), macros, Mode.INLINE)
        draft.route = replace(route, model=model, milliseconds=sum(call.milliseconds for call in draft.calls))
        prompt = errand.prompt(question.text) if errand else question.messages
        return await self._ask(question, draft, prompt, after=first.text)

    async def _categorize(
        self, question: Question, draft: Draft, macros: Mapping[str, Macro]
    ) -> tuple[Route, Errand | None]:
        """What a small call before the answer says."""
        began = time.monotonic()
        try:
            prompt = categorizer_prompt(question, macros, await examples_of(self._db, question.scope))
            chain = "" if self._router_chain else question.chain
            async with asyncio.timeout(CATEGORIZER_SECONDS):
                reply = await self._llm.complete(Purpose.ROUTER, prompt, chain=chain, calls=draft.calls)
            route, errand = decide(read_wish(reply.text), macros, Mode.CATEGORIZER)
            route = replace(route, model=_model(reply))
        except (NoProviderAnswered, StorageUnavailable, TimeoutError, DecisionUnreadable) as error:
            route, errand = failed(Mode.CATEGORIZER, f"{type(error).__name__}"), None
            log.warning("router_failed", reason=type(error).__name__)
        return replace(route, milliseconds=round((time.monotonic() - began) * 1000)), errand

    async def _ask(
        self,
        question: Question,
        draft: Draft,
        messages: Sequence[ChatMessage],
        *,
        macros: Mapping[str, Macro] | None = None,
        after: str = "",
    ) -> Completion:
        """An answer of the chain, below what was said before it."""
        tools = [macro.tool() for macro in (macros or {}).values()]
        show = draft.showing(after=after)
        completion = await self._llm.complete(
            Purpose.CHAT, messages, show=show, chain=question.chain, calls=draft.calls, tools=tools
        )
        return replace(completion, text=f"{after}\n\n{completion.text}") if after else completion


def _model(completion: Completion) -> str:
    return f"{completion.provider}:{completion.model}"

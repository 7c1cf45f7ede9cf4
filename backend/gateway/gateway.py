import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from backend.database import Database, StorageUnavailable
from backend.gateway.categorizer import DecisionUnreadable, categorizer_prompt, read_wish
from backend.gateway.deciding import Errand, decide, failed, wish_of
from backend.gateway.draft import Draft, Question
from backend.gateway.offer import Offer
from backend.gateway.registry import Registry
from backend.gateway.roster import Roster
from backend.gateway.route import Mode, Route, Strategy
from backend.gateway.route import Outcome as RouteOutcome
from backend.gateway.routes import examples_of
from backend.gateway.shelf import Shelf
from backend.gateway.words import on_it, too_many
from backend.llm import ChatMessage, Completion, Llm, NoProviderAnswered, Outcome, Purpose, Tool

log = structlog.get_logger(__name__)

# A person waits for the answer meanwhile.
CATEGORIZER_SECONDS = 10.0
IN_WORDS = "the model answered in words"


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How many runs a person has under way with a bot at most, and what one may spend, by the columns of agents."""

    at_once: int
    spending: Mapping[str, int]


class Gateway:
    """Decides what a message asks for, and has it answered so; where nothing else is on offer, that is chat."""

    def __init__(self, db: Database, llm: Llm, mode: Mode, limits: RunLimits, *, router_chain: bool = False) -> None:
        """With a `router_chain` of its own, the categorizer does not ask the chain that answers."""
        self._db = db
        self._llm = llm
        self._mode = mode
        self._runs_at_once = limits.at_once
        self._router_chain = router_chain
        self._registry = Registry(db, limits.spending)
        self.macros = Shelf(db, self._registry)
        self.agents = Roster(db, self._registry)

    def has_model(self, chain: str) -> bool:
        """Whether anybody could answer; `chain` is a bot's, if it has its own."""
        return bool(self._llm.chain(Purpose.CHAT, chain))

    async def answer(self, question: Question, draft: Draft) -> Completion:
        """The answer; the draft tells what was decided, and which run begins. A router that fails, or errs, means chat.

        Raises `NoProviderAnswered`.
        """
        if self._mode is Mode.OFF or not (offer := await self._registry.of(question.bot, question.user_id)):
            return await self._ask(question, draft, question.messages)
        if self._mode is Mode.INLINE:
            return await self._answer_or_call(question, draft, offer)
        draft.route, errand, decided = await self._categorize(question, draft, offer)
        if errand and decided:
            return await self._carry_out(errand, question, draft, decided)
        return await self._ask(question, draft, question.messages)

    def refuse(self, draft: Draft, runs: int, *, language: str, message: str) -> None:
        """What was ordered does not begin, because the person has so many runs under way."""
        assert draft.route
        draft.route, draft.ordered = replace(draft.route, outcome=RouteOutcome.TOO_MANY_RUNS), None
        draft.words = too_many(runs, language=language, message=message)

    async def _answer_or_call(self, question: Question, draft: Draft, offer: Offer) -> Completion:
        """The model that answers is offered the choices as tools: plain chat is one call."""
        try:
            first = await self._ask(question, draft, question.messages, tools=offer.tools)
        except NoProviderAnswered as problem:
            if draft.shown or any(call.outcome is Outcome.TIMEOUT for call in problem.calls):
                raise  # people have seen a part of it, or have waited long enough
            draft.route = failed(Mode.INLINE, "nobody answered when tools were offered")
            return await self._ask(question, draft, question.messages)
        model = _model(first)
        if not first.tool_calls:
            draft.route = Route(Strategy.CHAT, Mode.INLINE, why=IN_WORDS, model=model)
            return first
        route, errand = decide(wish_of(first.tool_calls[0], offer), offer, Mode.INLINE)
        draft.route = replace(route, model=model, milliseconds=sum(call.milliseconds for call in draft.calls))
        if errand:
            return await self._carry_out(errand, question, draft, first)
        return await self._ask(question, draft, question.messages, after=first.text)

    async def _categorize(
        self, question: Question, draft: Draft, offer: Offer
    ) -> tuple[Route, Errand | None, Completion | None]:
        """What a small call before the answer says."""
        began = time.monotonic()
        try:
            prompt = categorizer_prompt(question, offer, await examples_of(self._db, question.scope))
            chain = "" if self._router_chain else question.chain
            async with asyncio.timeout(CATEGORIZER_SECONDS):
                reply = await self._llm.complete(Purpose.ROUTER, prompt, chain=chain, calls=draft.calls)
            route, errand = decide(read_wish(reply.text), offer, Mode.CATEGORIZER)
            route = replace(route, model=_model(reply))
        except (NoProviderAnswered, StorageUnavailable, TimeoutError, DecisionUnreadable) as error:
            route, errand, reply = failed(Mode.CATEGORIZER, f"{type(error).__name__}"), None, None
            log.warning("router_failed", reason=type(error).__name__)
        spent = round((time.monotonic() - began) * 1000)
        return replace(route, milliseconds=spent), errand, reply and replace(reply, text="")

    async def _carry_out(self, errand: Errand, question: Question, draft: Draft, decided: Completion) -> Completion:
        """What was decided, below what the model said before it `decided`: an answer at once, or a run."""
        if (ordered := errand.order(question.text)) is None:
            return await self._ask(question, draft, errand.prompt(question.text), after=decided.text)
        draft.ordered, draft.said = replace(ordered, at_once=self._runs_at_once), decided.text
        if not decided.text:
            draft.words = on_it(ordered.title, language=question.language, message=question.text)
        return replace(decided, text=draft.text, calls=tuple(draft.calls), tool_calls=())

    async def _ask(
        self,
        question: Question,
        draft: Draft,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[Tool] = (),
        after: str = "",
    ) -> Completion:
        """An answer of the chain, below what was said before it."""
        show = draft.showing(after=after)
        completion = await self._llm.complete(
            Purpose.CHAT, messages, show=show, chain=question.chain, calls=draft.calls, tools=tools
        )
        return replace(completion, text=f"{after}\n\n{completion.text}") if after else completion


def _model(completion: Completion) -> str:
    return f"{completion.provider}:{completion.model}"

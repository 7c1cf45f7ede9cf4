"""The question to a model of how well a result does what was asked, and what its reply means."""

from collections.abc import Sequence

import structlog

from backend.agents.framing import RULE, frame
from backend.agents.thinking.instructions import asked
from backend.agents.thinking.replies import object_in
from backend.agents.types import Judgement, Request
from backend.llm import Call, ChatMessage

log = structlog.get_logger(__name__)

LONGEST_REASON = 1_000
TASK = """\
You judge how well a result does what a person has asked for.

Return one JSON object and nothing else: {"score": a number from 0 to 1, "reason": in a few words, what is missing}

1: all that was asked is there, or the result says plainly why a part of it cannot be had. 0: nothing of it. Something \
that is claimed without being shown, is wrong, or was not asked for lowers the score; style does not.

%s"""


def judge_prompt(request: Request, result: str) -> list[ChatMessage]:
    """What the judge is shown."""
    shown = "\n\n".join([*asked(request), frame(result, "the result")])
    return [ChatMessage("system", TASK % RULE), ChatMessage("user", shown)]


def read_judgement(reply: str) -> tuple[float, str]:
    """Score and reason. Raises `ValueError`."""
    told = object_in(reply)
    score, reason = told.get("score"), told.get("reason")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ValueError("no score from 0 to 1")
    return float(score), reason.replace("\0", "")[:LONGEST_REASON] if isinstance(reason, str) else ""


def accepted(why: str, calls: Sequence[Call] = (), tokens: int = 0) -> Judgement:
    """The result stands where nobody can judge it.

    It is there and may be good, while another iteration costs, can make it worse, and would be judged no better.
    """
    log.warning("judgement_missing", reason=why)
    return Judgement(1.0, "", tokens, tuple(calls))

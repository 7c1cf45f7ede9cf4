"""How a provider has been doing, and when it may be asked again."""

import math
from dataclasses import dataclass

from backend.llm.types import Outcome, ProviderFailed

# A provider that failed this often in a row is left alone, twice as long each time.
FAILURES_BEFORE_REST = 3
REST_SECONDS, LONGEST_REST_SECONDS = 15.0, 300.0
LONGEST_RETRY_AFTER_SECONDS = 3600.0


@dataclass(slots=True)
class Patience:
    """All moments are seconds of one steady clock."""

    not_before: float = -math.inf  # the provider's word
    rests_until: float = -math.inf  # our guess
    failures: int = 0
    failed_at: float = -math.inf

    def left_alone(self, now: float) -> float:
        """For how many seconds from now it should not be asked."""
        return max(0.0, self.not_before - now, self.rests_until - now)

    def is_tried(self, now: float) -> None:
        """After a rest, one call finds out how it is; until then the others leave it alone."""
        if self.failures >= FAILURES_BEFORE_REST:
            self.rests_until = max(self.rests_until, now + REST_SECONDS)

    def answered(self) -> None:
        self.failures, self.rests_until = 0, -math.inf

    def failed(self, failure: ProviderFailed, began: float, now: float) -> None:
        """A call that began at `began` has failed now."""
        if failure.retry_after:
            wait = min(failure.retry_after, LONGEST_RETRY_AFTER_SECONDS)
            self.not_before = max(self.not_before, now + wait)
        # A refused request says nothing about the provider, and many calls may notice one outage.
        if failure.outcome is Outcome.REFUSED or began < self.failed_at:
            return
        self.failures, self.failed_at = self.failures + 1, now
        if (rests := self.failures - FAILURES_BEFORE_REST) >= 0:
            self.rests_until = now + min(REST_SECONDS * 2.0 ** min(rests, 10), LONGEST_REST_SECONDS)

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MINUTE, HOUR = 60, 3600
# Up to so many seconds are told as such; an unknown time is a minute.
LONGEST_IN_SECONDS = 90
MANY, MANY_FOR_THE_BOT = "/problems/too-many-messages", "too many for the bot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """All that is said in one language; what stands in braces is filled in."""

    greeting: str
    greeting_in_group: str
    help: str
    help_in_group: str
    ways: Mapping[str, str]
    either: str
    called: str
    empty_answer: str
    stopped: str
    stopped_before_a_word: str
    nothing_to_stop: str
    nothing_pending: str

    new_button: str
    help_button: str
    stop_button: str
    undo_button: str
    stale_button: str
    not_yours: str

    new_dialogue: str
    forgetting: str
    nothing_to_forget: str
    undone: str
    too_late: str

    admitted: str
    turned_away: str

    only_words: str
    file_unsupported: str
    file_too_large: str
    not_fetched: str
    not_heard: str
    nothing_heard: str
    not_seen: str
    read: str
    still_reading: str
    unread: Mapping[str, str]

    spoken: str
    picture: str
    pictures: str
    file: str
    sticker: str
    location: str
    venue: str
    contact: str
    poll: str
    dice: str

    nothing_counted: str
    stats: Mapping[str, str]
    context: Mapping[str, str]

    run_states: Mapping[str, str]
    step_states: Mapping[str, str]
    planning: str
    stop_run_button: str
    skip_button: str
    run_stopped: str
    step_skipped: str

    asking: Mapping[str, str]
    beginning_only: str
    asked_until: str
    answers: Mapping[str, Mapping[str, str]]
    answered_via: Mapping[str, str]
    confirm_buttons: Mapping[str, str]
    refuse_buttons: Mapping[str, str]
    always_button: str
    confirmed: Mapping[str, str]
    over: Mapping[str, str]
    no_such_question: str
    for_admins: str

    pending_title: str
    pending_item: str
    too_long_to_list: str
    grants_title: str
    grants_item: str
    in_another_chat: str
    revoke_button: str
    revoked: str

    commands: Mapping[str, str]
    commands_in_groups: Mapping[str, str]
    problems: Mapping[str, str]
    problem_statuses: Mapping[int, str]
    unknown_problem: str

    units: Mapping[str, tuple[str, ...]]
    form: Callable[[int], int]
    date: str
    thousands: str
    decimal: str

    def problem(self, type: str, status: int = 0, members: Mapping[str, Any] | None = None) -> str:
        """The sentence for a problem: by its type, by its status where only that is known."""
        told = members or {}
        if type == MANY and told.get("of") == "bot":
            type = MANY_FOR_THE_BOT
        sentence = self.problems.get(type) or self.problem_statuses.get(status, self.unknown_problem)
        return sentence.format(wait=self.wait(told.get("retry_after") or MINUTE), code=told.get("code", ""))

    def wait(self, seconds: float) -> str:
        """A time to wait, never told too short: `12 seconds`, `2 minutes`."""
        if seconds <= LONGEST_IN_SECONDS:
            return self.count(max(math.ceil(seconds), 1), "second")
        if seconds <= LONGEST_IN_SECONDS * MINUTE:
            return self.count(math.ceil(seconds / MINUTE), "minute")
        return self.count(math.ceil(seconds / HOUR), "hour")

    def count(self, number: int, unit: str) -> str:
        """A number and what it counts, in the form that goes with it."""
        return f"{self.number(number)} {self.units[unit][self.form(number)]}"

    def number(self, number: float, decimals: int = 0) -> str:
        """A number as it is written in this language."""
        return f"{number:,.{decimals}f}".translate({ord(","): self.thousands, ord("."): self.decimal})

    def money(self, dollars: float) -> str:
        """US dollars; small sums with as many places as it takes to see them."""
        if 0 < dollars < 0.0001:
            return f"< ${self.number(0.0001, 4)}"
        return f"${self.number(dollars, 4 if 0 < dollars < 1 else 2)}"

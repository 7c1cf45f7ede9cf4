"""What people are told of a run that did not go as it should, in their language."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """`why` says what became of a step, by its status; `problems` why it failed, by their beginning."""

    completed: str
    stopped: str
    not_done: str
    acted: str
    in_vain: str
    refused: str
    uncertain: str
    why: Mapping[str, str]
    problems: Mapping[str, str]

    def reason(self, status: str, problem: str | None) -> str:
        """Why a step was not done."""
        for beginning, words in self.problems.items():
            if status == "failed" and (problem or "").startswith(beginning):
                return words
        return self.why[status]


ENGLISH = Words(
    completed="Done.",
    stopped="Stopped.",
    not_done="Not done:",
    acted="Done all the same:",
    in_vain="Confirmed, but it did not work:",
    refused="Tried, but not done:",
    uncertain="Interrupted, so this may have happened or not; it was not repeated:",
    why={
        "failed": "it failed",
        "cancelled": "cancelled",
        "expired": "nobody confirmed it in time",
        "skipped": "skipped",
    },
    problems={
        "limit-": "the limit of this run was reached",
        "no-provider-answered": "no language model answered",
        "plan-unusable": "no usable plan was found",
        "agent-unknown": "its agent is not there any more",
        "interrupted": "it was interrupted again and again",
    },
)
RUSSIAN = Words(
    completed="Готово.",
    stopped="Остановлено.",
    not_done="Не сделано:",
    acted="Всё же сделано:",
    in_vain="Подтверждено, но не получилось:",
    refused="Не удалось сделать:",
    uncertain="Прервано: это могло произойти, а могло и нет; повторено не было:",
    why={
        "failed": "не получилось",
        "cancelled": "отменено",
        "expired": "никто не подтвердил вовремя",
        "skipped": "пропущено",
    },
    problems={
        "limit-": "достигнут предел этого запуска",
        "no-provider-answered": "ни одна языковая модель не ответила",
        "plan-unusable": "не нашлось пригодного плана",
        "agent-unknown": "агента больше нет",
        "interrupted": "работа прерывалась снова и снова",
    },
)


def words_for(language: str) -> Words:
    return RUSSIAN if language.lower().startswith("ru") else ENGLISH

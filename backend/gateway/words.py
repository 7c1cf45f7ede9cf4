"""What people are told when what they ask for is done in the background, or is not: in Russian or English."""

import re

ON_IT = {"ru": "Занимаюсь: {title}", "en": "I am on it: {title}"}
TOO_MANY = {
    "ru": "Уже выполняется {runs}, больше одновременно нельзя. Дождитесь, пока что-нибудь закончится, или остановите: "
    "/stop",
    "en": "{runs} under way already, which is as many as can be at once. Wait until one has ended, or stop them: /stop",
}


def on_it(title: str, *, language: str, message: str) -> str:
    """Without a `language`, in the one that the message's letters tell; so with all words here."""
    return ON_IT[_told(language, message)].format(title=title)


def too_many(runs: int, *, language: str, message: str) -> str:
    told = _told(language, message)
    return TOO_MANY[told].format(
        runs=_tasks(runs) if told == "ru" else "One task is" if runs == 1 else f"{runs} tasks are"
    )


def _told(language: str, message: str) -> str:
    russian = language.lower().startswith("ru") if language else bool(re.search("[а-яё]", message, re.I))
    return "ru" if russian else "en"


def _tasks(number: int) -> str:
    if number % 10 == 1 and number % 100 != 11:
        return f"{number} задание"
    few = number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14)
    return f"{number} {'задания' if few else 'заданий'}"

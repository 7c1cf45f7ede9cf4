"""What is answered when no model is configured: never an imitation of one."""

import re
from collections.abc import Sequence

PROVIDER = "offline"

WORDS = {
    "ru": (
        "Языковая модель не настроена, поэтому ответить я не могу. "
        "Добавьте модель в консоли, на странице «Настройка», или задайте OPENAI_API_KEY, OPENROUTER_API_KEY или "
        "OLLAMA_BASE_URL в файле .env и перезапустите.",
        "Вот что об этом есть в памяти, слово в слово:",
        "В памяти об этом ничего нет.",
    ),
    "en": (
        "No language model is configured, so I cannot answer. "
        "Add one in the console, under “Set up”, or set OPENAI_API_KEY, OPENROUTER_API_KEY or OLLAMA_BASE_URL in .env "
        "and restart.",
        "Here is what memory holds about it, word for word:",
        "Memory holds nothing about it.",
    ),
}


def offline_answer(passages: Sequence[str], *, language: str, question: str) -> str:
    """Says that there is no model, and shows the passages of memory as they were said.

    In Russian for `ru…`, else in English; without a `language`, in the one that the question's letters tell.
    """
    russian = language.lower().startswith("ru") if language else bool(re.search("[а-яё]", question, re.I))
    no_model, found, nothing = WORDS["ru" if russian else "en"]
    if not passages:
        return f"{no_model}\n\n{nothing}"
    quoted = "\n".join(f"— {passage}" for passage in passages)
    return f"{no_model}\n\n{found}\n{quoted}"

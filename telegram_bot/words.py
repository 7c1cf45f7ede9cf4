"""What people read: every sentence of the relay, in Russian and in English."""

from collections.abc import Mapping
from dataclasses import dataclass

from telegram_bot.backend_client import NO_ANSWER_IN_TIME, UNREACHABLE


@dataclass(frozen=True, slots=True)
class Words:
    greeting: str
    help: str
    new_dialogue: str
    called: str
    only_text: str
    not_allowed: str
    empty_answer: str
    new_button: str
    help_button: str
    stop_button: str
    stopped: str
    commands: Mapping[str, str]
    problems: Mapping[str, str]
    problem_statuses: Mapping[int, str]
    unknown_problem: str

    def problem(self, type: str, status: int) -> str:
        """The sentence for a problem: by its type, by its status where only that is known."""
        by_status = self.problem_statuses.get(status, self.unknown_problem)
        return self.problems.get(type, by_status)


_RU_LATER = "Напишите, пожалуйста, ещё раз через минуту."
_RU_BUSY = "Я ещё отвечаю на предыдущее сообщение. Дождитесь ответа и отправьте это ещё раз."
_RU_TOO_LONG = "Сообщение слишком длинное. Разделите его, пожалуйста, на части."
_RU_TOO_MANY = "Слишком много сообщений подряд. Подождите минуту, и продолжим."
_RU_MISCONFIGURED = "Бот настроен неверно и не может ответить. Сообщите, пожалуйста, его владельцу."

RUSSIAN = Words(
    greeting="Здравствуйте! Я помню наш разговор и отвечаю на вопросы. Просто напишите мне.",
    help=(
        "Напишите сообщение, и я отвечу. Я помню, о чём мы говорили.\n\n"
        "/new: начать новый диалог\n"
        "/help: эта подсказка\n\n"
        "В группе упомяните меня или ответьте на моё сообщение."
    ),
    new_dialogue="Начинаем новый диалог. О чём поговорим?",
    called="Слушаю! Напишите вопрос вместе с моим именем.",
    only_text="Пока я понимаю только текст. Напишите, пожалуйста, словами.",
    not_allowed="Извините, этот бот отвечает только тем, кого пригласил его владелец.",
    empty_answer="Ответ получился пустым. Попробуйте спросить иначе.",
    new_button="✨ Новый диалог",
    help_button="❓ Помощь",
    stop_button="⏹ Стоп",
    stopped="⏹ Остановлено",
    commands={"new": "Новый диалог", "help": "Помощь"},
    problems={
        UNREACHABLE: f"Мой сервер сейчас не отвечает. {_RU_LATER}",
        NO_ANSWER_IN_TIME: f"Ответ готовится слишком долго. {_RU_LATER}",
        "/problems/no-provider-answered": f"Языковая модель сейчас не отвечает. {_RU_LATER}",
        "/problems/session-busy": _RU_BUSY,
        "/problems/turn-interrupted": f"Ответ прервался на полуслове. {_RU_LATER}",
        "/problems/storage-unavailable": f"Память сейчас недоступна. {_RU_LATER}",
        "/problems/invalid-request": "Такое сообщение не получается прочитать. "
        "Напишите, пожалуйста, короче или другими словами.",
        "/problems/key-reused": "Это сообщение изменилось в пути. Отправьте его, пожалуйста, ещё раз.",
        "/problems/text-too-long": _RU_TOO_LONG,
        "/problems/body-too-large": _RU_TOO_LONG,
        "/problems/answer-forgotten": "Этот ответ уже забыт. Спросите, пожалуйста, ещё раз.",
        "/problems/unauthorized": _RU_MISCONFIGURED,
        "/problems/bot-not-found": _RU_MISCONFIGURED,
        "/problems/session-not-found": "Этот диалог не нашёлся. Начните новый: /new",
    },
    problem_statuses={401: _RU_MISCONFIGURED, 413: _RU_TOO_LONG, 429: _RU_TOO_MANY},
    unknown_problem=f"Что-то пошло не так. {_RU_LATER}",
)

_EN_LATER = "Please write again in a minute."
_EN_BUSY = "I am still answering your previous message. Please wait for it, then send this one again."
_EN_TOO_LONG = "This message is too long. Please send it in parts."
_EN_TOO_MANY = "That is a lot of messages at once. Please wait a minute."
_EN_MISCONFIGURED = "The bot is not set up correctly and cannot answer. Please tell its owner."

ENGLISH = Words(
    greeting="Hello! I remember what we talk about and answer questions. Just write to me.",
    help=(
        "Write a message and I will answer. I remember what we talked about.\n\n"
        "/new: start a new dialogue\n"
        "/help: this hint\n\n"
        "In a group, mention me or reply to my message."
    ),
    new_dialogue="A new dialogue begins. What shall we talk about?",
    called="I am listening! Write your question together with my name.",
    only_text="I only understand text so far. Please write it in words.",
    not_allowed="Sorry, this bot answers only people its owner has invited.",
    empty_answer="The answer came out empty. Please try to ask in another way.",
    new_button="✨ New dialogue",
    help_button="❓ Help",
    stop_button="⏹ Stop",
    stopped="⏹ Stopped",
    commands={"new": "New dialogue", "help": "Help"},
    problems={
        UNREACHABLE: f"My server does not respond at the moment. {_EN_LATER}",
        NO_ANSWER_IN_TIME: f"The answer is taking too long. {_EN_LATER}",
        "/problems/no-provider-answered": f"No language model responds at the moment. {_EN_LATER}",
        "/problems/session-busy": _EN_BUSY,
        "/problems/turn-interrupted": f"The answer was interrupted. {_EN_LATER}",
        "/problems/storage-unavailable": f"My memory is not available at the moment. {_EN_LATER}",
        "/problems/invalid-request": "I cannot read this. Please write it shorter or in other words.",
        "/problems/key-reused": "This message changed on its way. Please send it once more.",
        "/problems/text-too-long": _EN_TOO_LONG,
        "/problems/body-too-large": _EN_TOO_LONG,
        "/problems/answer-forgotten": "That answer is already forgotten. Please ask once more.",
        "/problems/unauthorized": _EN_MISCONFIGURED,
        "/problems/bot-not-found": _EN_MISCONFIGURED,
        "/problems/session-not-found": "This dialogue was not found. Start a new one: /new",
    },
    problem_statuses={401: _EN_MISCONFIGURED, 413: _EN_TOO_LONG, 429: _EN_TOO_MANY},
    unknown_problem=f"Something went wrong. {_EN_LATER}",
)


def words_for(language: str | None) -> Words:
    """The sentences for a person's language code, such as `ru-RU`; English when it is unknown."""
    return RUSSIAN if (language or "").lower().startswith("ru") else ENGLISH

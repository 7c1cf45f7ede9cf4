"""What is said in Russian. The bot has no gender: it says that a file was read, not that it has read it."""

from telegram_bot.backend_client import NO_ANSWER_IN_TIME, UNREACHABLE
from telegram_bot.words.words import MANY, MANY_FOR_THE_BOT, Words


def form(number: int) -> int:
    """Which of the three forms goes with a number: 1 сообщение, 2 сообщения, 5 сообщений."""
    if number % 100 in range(11, 15):
        return 2
    return 0 if number % 10 == 1 else 1 if number % 10 in (2, 3, 4) else 2


_LATER = "Напишите, пожалуйста, ещё раз через минуту."
_TOO_LONG = "Сообщение слишком длинное. Разделите его, пожалуйста, на части."
_TOO_MANY = "Слишком много сообщений подряд. Попробуйте через {wait}."
_MISCONFIGURED = "Бот настроен неверно и не может ответить. Сообщите, пожалуйста, его владельцу."
_FORMATS = "Подойдут текст, Markdown, HTML, PDF и DOCX."
_UNREADABLE = f"Не получается открыть файл: он повреждён или его формат не тот, что в названии. {_FORMATS}"
_COMMANDS = (
    "/new: новый диалог\n"
    "/stop: остановить ответ и всё, что я делаю\n"
    "/pending: что ждёт вашего решения и что вы разрешили\n"
    "/clear: забыть этот диалог\n"
    "/context: что я сейчас держу в памяти\n"
    "/stats: сколько сказано и сколько это стоило\n"
    "/help: эта подсказка"
)

RUSSIAN = Words(
    greeting="Здравствуйте! Я помню наш разговор и отвечаю на вопросы. Просто напишите мне.",
    greeting_in_group=("Всем привет! Чтобы спросить меня, {ways}. Подробнее: /help{mention}"),
    help=(
        "Просто напишите, и я отвечу. Я помню, о чём мы говорили.\n\n"
        "Можно прислать голосовое, картинку или документ, переслать чужое сообщение, ответить на старое или "
        "исправить своё.\n\n" + _COMMANDS
    ),
    help_in_group="Чтобы спросить меня в группе, {ways}.\n\n" + _COMMANDS,
    ways={
        "mention": "упомяните {mention}",
        "reply": "ответьте на моё сообщение",
        "name": "назовите меня по имени ({names})",
        "keyword": "употребите ключевое слово ({keywords})",
        "command": "начните с /ask",
        "all": "просто напишите",
    },
    either="или",
    called="Слушаю! Напишите вопрос вместе с моим именем.",
    empty_answer="Ответ получился пустым. Попробуйте спросить иначе.",
    stopped="⏹ Остановлено",
    stopped_before_a_word="⏹ Остановлено. Ответа ещё не было.",
    nothing_to_stop="Сейчас нечего останавливать: я ничего не делаю.",
    nothing_pending="Ничего не ждёт вашего решения.",
    new_button="✨ Новый диалог",
    help_button="❓ Помощь",
    stop_button="⏹ Остановить",
    undo_button="↩️ Вернуть",
    stale_button="Эта кнопка больше не работает.",
    not_yours="Это кнопка для другого человека.",
    new_dialogue="Начинаем новый диалог. О чём поговорим?",
    forgetting="Через 30 секунд этот диалог будет забыт насовсем.",
    nothing_to_forget="Забывать пока нечего: диалог ещё не начался.",
    undone="Прежний диалог снова с нами. Продолжим!",
    too_late="Уже поздно: вернуть прежний диалог нельзя.",
    admitted="Готово: теперь этот человек может писать боту.",
    turned_away="Готово: бот не будет отвечать этому человеку.",
    only_words="Такое я пока не понимаю. Опишите, пожалуйста, словами.",
    file_unsupported=f"Такие файлы я читать не умею. {_FORMATS}",
    file_too_large="Файл слишком большой: можно прислать не больше {megabytes} МБ.",
    not_fetched="Файл не удалось получить. Пришлите, пожалуйста, ещё раз.",
    not_heard="Я пока не умею слушать голосовые сообщения. Напишите, пожалуйста, текстом.",
    nothing_heard="Слов расслышать не удалось. Запишите, пожалуйста, ещё раз или напишите текстом.",
    not_seen="Я пока не умею смотреть на картинки. Расскажите, пожалуйста, словами, что на ней.",
    read="Файл «{name}» прочитан и останется в памяти. Спрашивайте!",
    still_reading="Файл «{name}» большой, чтение ещё идёт. Спросите о нём через пару минут.",
    unread={
        "unreadable": _UNREADABLE,
        "too-long": "В файле «{name}» слишком много текста. Пришлите, пожалуйста, только нужную часть.",
        "encrypted": "Файл «{name}» закрыт паролем. Пришлите, пожалуйста, копию без пароля.",
        "empty": "В файле «{name}» нет текста. Если это скан, пришлите страницы картинками.",
    },
    spoken="[Голосовое сообщение]\n{text}",
    picture="[На картинке: {text}]",
    pictures="[На картинке {number}: {text}]",
    file="[Прислан файл «{name}»]",
    sticker="[Стикер {emoji}]",
    location="[Место на карте: {latitude}, {longitude}]",
    venue="[Место на карте: {title}, {address}; {latitude}, {longitude}]",
    contact="[Контакт: {name}, {phone}]",
    poll="[Опрос: {question}]\n{options}",
    dice="[Выпало {value} {emoji}]",
    nothing_counted="Пока считать нечего: диалог ещё не начался.",
    stats={
        "title": "📊 Этот диалог, с {since}",
        "messages": "Сообщений",
        "tokens_in": "Токенов прочитано",
        "tokens_out": "Токенов написано",
        "cost": "Стоимость",
        "unknown": "неизвестна",
        "summaries": "Пересказов",
    },
    context={
        "title": "🧠 Что сейчас в памяти этого диалога",
        "percent": "{percent} %",
        "full": "📏 Занято {used} из {budget}",
        "messages": "💬 Дословно: {messages}",
        "dropped": "✂️ Не поместилось: {messages}",
        "summary": "📚 Пересказ (версия {version}): ещё {messages} до этого",
        "no_summary": "📚 Пересказа пока нет: всё помнится дословно",
    },
    run_states={
        "pending": "⏳ Скоро начнётся",
        "running": "▶️ Выполняется",
        "waiting": "✋ Ждёт вашего ответа",
        "completed": "✅ Готово",
        "failed": "❌ Получилось не всё",
        "cancelled": "⏹ Остановлено",
        "expired": "⌛ Вовремя никто не ответил",
    },
    step_states={
        "pending": "⏳ {name}",
        "running": "▶️ {name}",
        "waiting": "✋ {name} (ждёт вашего ответа)",
        "completed": "✅ {name}",
        "failed": "❌ {name} (не получилось)",
        "cancelled": "⏹ {name} (отменено)",
        "expired": "⌛ {name} (вовремя нет ответа)",
        "skipped": "⏭ {name} (пропущено)",
    },
    planning="Составление плана",
    stop_run_button="⏹ Остановить",
    skip_button="⏭ Пропустить: {name}",
    run_stopped="⏹ Остановлено",
    step_skipped="⏭ Этот шаг пропущен",
    asking={
        "action": "✋ Можно это сделать?",
        "repeat": "⚠️ Здесь работа прервалась: возможно, это уже сделано. Сделать ещё раз?",
    },
    beginning_only="✂️ Это только начало. Полностью всё в файле выше: прочитайте его, пожалуйста, прежде чем ответить.",
    asked_until="⏳ Жду ответа {wait}. Без ответа ничего не будет сделано.",
    answers={
        "action": {
            "confirmed": "✅ Подтверждено",
            "always": "✅ Подтверждено и разрешено в этом чате на 24 часа",
            "cancelled": "🚫 Отменено: не сделано",
            "expired": "⌛ Вовремя нет ответа: не сделано",
        },
        "repeat": {
            "confirmed": "🔁 Будет сделано ещё раз",
            "always": "🔁 Будет сделано ещё раз",
            "cancelled": "🚫 Оставлено как есть: не повторено",
            "expired": "⌛ Вовремя нет ответа: не повторено",
        },
    },
    answered_via={"console": " (в консоли)", "api": " (другой программой)", "run": " (работа остановлена)"},
    confirm_buttons={"action": "✅ Подтвердить", "repeat": "🔁 Сделать ещё раз"},
    refuse_buttons={"action": "🚫 Отменить", "repeat": "🚫 Оставить как есть"},
    always_button="✅ Здесь всегда (24 ч)",
    confirmed={"yes": "✅ Подтверждено", "always": "✅ Подтверждено и разрешено здесь на 24 часа", "no": "🚫 Не делаю"},
    over={
        "confirmed": "Это уже подтверждено.",
        "cancelled": "Это уже отменено.",
        "expired": "Уже поздно: время на ответ вышло, ничего не сделано.",
    },
    no_such_question="Такого вопроса к вам больше нет. Что ждёт вашего решения: /pending",
    for_admins="Это спрошено от имени группы: ответить могут только её администраторы.",
    pending_title="✋ Ждёт вашего решения:",
    pending_item="⏳ Жду ответа ещё {wait}: /confirm\\_{id} или /cancel\\_{id}",
    too_long_to_list="(слишком длинно, чтобы повторить: полностью всё показано вместе с вопросом выше)",
    grants_title="✅ Разрешено без вопросов:",
    grants_item=", ещё на {wait}",
    in_another_chat=" (в другом чате)",
    revoke_button="↩️ Спрашивать снова: {kind}",
    revoked="Теперь снова буду спрашивать.",
    commands={
        "new": "Новый диалог",
        "stop": "Остановить то, что я делаю",
        "pending": "Что ждёт вашего решения",
        "clear": "Забыть этот диалог",
        "context": "Что сейчас в памяти",
        "stats": "Статистика диалога",
        "help": "Помощь",
    },
    commands_in_groups={
        "ask": "Задать вопрос",
        "new": "Новый диалог",
        "stop": "Остановить то, что я делаю для вас",
        "pending": "Что ждёт вашего решения",
        "clear": "Забыть мой диалог",
        "help": "Как меня спросить",
    },
    problems={
        UNREACHABLE: f"Мой сервер сейчас не отвечает. {_LATER}",
        NO_ANSWER_IN_TIME: f"Ответ готовится слишком долго. {_LATER}",
        "/problems/no-provider-answered": f"Языковая модель сейчас не отвечает. {_LATER}",
        "/problems/session-busy": ("Я ещё отвечаю на предыдущее сообщение. Дождитесь ответа и отправьте это ещё раз."),
        "/problems/turn-interrupted": f"Ответ прервался на полуслове. {_LATER}",
        "/problems/storage-unavailable": f"Память сейчас недоступна. {_LATER}",
        "/problems/invalid-request": (
            "Такое сообщение не получается прочитать. Напишите, пожалуйста, короче или другими словами."
        ),
        "/problems/key-reused": "Это сообщение изменилось в пути. Отправьте его, пожалуйста, ещё раз.",
        "/problems/text-too-long": _TOO_LONG,
        "/problems/body-too-large": _TOO_LONG,
        "/problems/answer-forgotten": "Этот ответ уже забыт. Спросите, пожалуйста, ещё раз.",
        "/problems/unauthorized": _MISCONFIGURED,
        "/problems/bot-not-found": _MISCONFIGURED,
        "/problems/session-not-found": "Этот диалог не нашёлся. Начните новый: /new",
        "/problems/session-moved-on": "Уже поздно: вернуть прежний диалог нельзя.",
        "/problems/not-allowed": "Извините, этот бот отвечает только тем, кого пригласил его владелец.",
        "/problems/approval-needed": (
            "Этот бот отвечает только тем, кого впустил владелец. Код вашей просьбы: {code}. "
            "Я напишу, как только владелец решит."
        ),
        "/problems/admission-not-found": "Этой просьбы больше нет.",
        "/problems/admission-decided": "Об этой просьбе уже решено иначе.",
        "/problems/owner-decides": "Это решает только владелец бота.",
        "/problems/run-not-found": "Эта работа мне больше не известна.",
        "/problems/run-over": "Эта работа уже закончена.",
        "/problems/step-not-found": "Этот шаг мне больше не известен.",
        "/problems/step-over": "Этот шаг уже закончен.",
        "/problems/confirmation-not-found": "Этот вопрос мне больше не известен.",
        "/problems/confirmation-over": "На это уже есть ответ.",
        "/problems/not-yours": "Ответить может только тот, кого спросили.",
        "/problems/grant-not-found": "Это больше не разрешено: теперь снова буду спрашивать.",
        MANY: _TOO_MANY,
        MANY_FOR_THE_BOT: "Сейчас мне пишет слишком много людей. Попробуйте через {wait}.",
        "/problems/attachment-not-understood": "Такое я пока не понимаю. Опишите, пожалуйста, словами.",
        "/problems/attachment-too-large": "Файл слишком большой. Пришлите, пожалуйста, поменьше.",
        "/problems/attachment-unsupported": (
            "Не получается открыть: файл повреждён или в незнакомом формате. Пришлите, пожалуйста, в другом."
        ),
        "/problems/document-unsupported": _UNREADABLE,
        "/problems/document-not-found": "Этого файла больше нет в памяти. Пришлите его, пожалуйста, ещё раз.",
        "/problems/document-empty": "Файл пуст. Проверьте, пожалуйста, тот ли это файл.",
    },
    problem_statuses={401: _MISCONFIGURED, 413: _TOO_LONG, 429: _TOO_MANY},
    unknown_problem=f"Что-то пошло не так. {_LATER}",
    units={
        "second": ("секунду", "секунды", "секунд"),
        "minute": ("минуту", "минуты", "минут"),
        "hour": ("час", "часа", "часов"),
        "message": ("сообщение", "сообщения", "сообщений"),
        "of_tokens": ("токена", "токенов", "токенов"),
    },
    form=form,
    date="%d.%m.%Y",
    thousands="\N{NO-BREAK SPACE}",
    decimal=",",
)

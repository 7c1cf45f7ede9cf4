"""What is said in English, and to everybody whose language is not spoken here."""

from telegram_bot.backend_client import NO_ANSWER_IN_TIME, UNREACHABLE
from telegram_bot.words.words import MANY, MANY_FOR_THE_BOT, Words


def form(number: int) -> int:
    """Which of the two forms goes with a number: 1 message, 2 messages."""
    return 0 if number == 1 else 1


_LATER = "Please write again in a minute."
_TOO_LONG = "This message is too long. Please send it in parts."
_TOO_MANY = "That is a lot of messages at once. Please try again in {wait}."
_MISCONFIGURED = "The bot is not set up correctly and cannot answer. Please tell its owner."
_FORMATS = "Text, Markdown, HTML, PDF and DOCX will do."
_UNREADABLE = f"This file cannot be opened: it is damaged, or not what its name says. {_FORMATS}"
_COMMANDS = (
    "/new: start a new dialogue\n"
    "/stop: stop the answer and whatever I am doing\n"
    "/pending: what waits for your decision, and what you have allowed\n"
    "/clear: forget this dialogue\n"
    "/context: what I have in mind right now\n"
    "/stats: how much was said and what it cost\n"
    "/help: this hint"
)

ENGLISH = Words(
    greeting="Hello! I remember what we talk about and answer questions. Just write to me.",
    greeting_in_group="Hello everybody! To ask me something, {ways}. More: /help{mention}",
    help=(
        "Just write and I will answer. I remember what we talked about.\n\n"
        "You can send a voice message, a picture or a document, forward what others wrote, reply to something old, "
        "or correct what you wrote.\n\n" + _COMMANDS
    ),
    help_in_group="To ask me something in a group, {ways}.\n\n" + _COMMANDS,
    ways={
        "mention": "mention {mention}",
        "reply": "reply to a message of mine",
        "name": "call me by name ({names})",
        "keyword": "use a keyword ({keywords})",
        "command": "begin with /ask",
        "all": "just write",
    },
    either="or",
    called="I am listening! Write your question together with my name.",
    empty_answer="The answer came out empty. Please try to ask in another way.",
    stopped="⏹ Stopped",
    stopped_before_a_word="⏹ Stopped before a word was written.",
    nothing_to_stop="There is nothing to stop: I am not doing anything.",
    nothing_pending="Nothing is waiting for your decision.",
    new_button="✨ New dialogue",
    help_button="❓ Help",
    stop_button="⏹ Stop",
    undo_button="↩️ Undo",
    stale_button="This button no longer works.",
    not_yours="This button is for somebody else.",
    new_dialogue="A new dialogue begins. What shall we talk about?",
    forgetting="In 30 seconds this dialogue will be forgotten for good.",
    nothing_to_forget="There is nothing to forget: the dialogue has not begun yet.",
    undone="The earlier dialogue is back. Let us go on!",
    too_late="Too late: the earlier dialogue cannot be brought back.",
    admitted="Done: this person may write to the bot now.",
    turned_away="Done: the bot will not answer this person.",
    only_words="I do not understand this yet. Please put it into words.",
    file_unsupported=f"I cannot read files of this kind. {_FORMATS}",
    file_too_large="This file is too large: {megabytes} MB is the most I can take.",
    not_fetched="The file did not come through. Please send it again.",
    not_heard="I cannot listen to voice messages yet. Please write it instead.",
    nothing_heard="I could not make out any words. Please record it again or write it.",
    not_seen="I cannot look at pictures yet. Please tell me in words what it shows.",
    read="I have read “{name}” and will remember it. Ask me about it!",
    still_reading="“{name}” is a long read and I am not through yet. Ask me about it in a few minutes.",
    unread={
        "unreadable": _UNREADABLE,
        "too-long": "There is too much text in “{name}”. Please send only the part that matters.",
        "encrypted": "“{name}” is protected by a password. Please send a copy without one.",
        "empty": "There is no text in “{name}”. If it is a scan, send its pages as pictures.",
    },
    spoken="[Voice message]\n{text}",
    picture="[In the picture: {text}]",
    pictures="[In picture {number}: {text}]",
    file="[Sent a file: {name}]",
    sticker="[Sticker {emoji}]",
    location="[Place on the map: {latitude}, {longitude}]",
    venue="[Place on the map: {title}, {address}; {latitude}, {longitude}]",
    contact="[Contact: {name}, {phone}]",
    poll="[Poll: {question}]\n{options}",
    dice="[Rolled {value} {emoji}]",
    nothing_counted="There is nothing to count yet: the dialogue has not begun.",
    stats={
        "title": "📊 This dialogue, since {since}",
        "messages": "Messages",
        "tokens_in": "Tokens read",
        "tokens_out": "Tokens written",
        "cost": "Cost",
        "unknown": "unknown",
        "summaries": "Summaries",
    },
    context={
        "title": "🧠 What I have in mind of this dialogue",
        "percent": "{percent}%",
        "full": "📏 {used} of {budget} are used",
        "messages": "💬 Word for word: {messages}",
        "dropped": "✂️ Did not fit: {messages}",
        "summary": "📚 Summary (version {version}): the {messages} before that",
        "no_summary": "📚 There is no summary yet: all is remembered word for word",
    },
    run_states={
        "pending": "⏳ It is about to begin",
        "running": "▶️ At work",
        "waiting": "✋ Waiting for your answer",
        "completed": "✅ Done",
        "failed": "❌ Not everything worked",
        "cancelled": "⏹ Stopped",
        "expired": "⌛ There was no answer in time",
    },
    step_states={
        "pending": "⏳ {name}",
        "running": "▶️ {name}",
        "waiting": "✋ {name} (waiting for your answer)",
        "completed": "✅ {name}",
        "failed": "❌ {name} (did not work)",
        "cancelled": "⏹ {name} (cancelled)",
        "expired": "⌛ {name} (no answer in time)",
        "skipped": "⏭ {name} (skipped)",
    },
    planning="Making a plan",
    stop_run_button="⏹ Stop",
    skip_button="⏭ Skip: {name}",
    run_stopped="⏹ Stopped",
    step_skipped="⏭ This step is skipped",
    asking={
        "action": "✋ May I do this?",
        "repeat": "⚠️ I was interrupted here: this may have happened already. Do it again?",
    },
    beginning_only="✂️ This is only the beginning. All of it is in the file above: please read that before you answer.",
    asked_until="⏳ You have {wait} to answer. Without an answer, nothing is done.",
    answers={
        "action": {
            "confirmed": "✅ Confirmed",
            "always": "✅ Confirmed, and allowed in this chat for 24 hours",
            "cancelled": "🚫 Cancelled: not done",
            "expired": "⌛ No answer in time: not done",
        },
        "repeat": {
            "confirmed": "🔁 To be done again",
            "always": "🔁 To be done again",
            "cancelled": "🚫 Left as it is: not done again",
            "expired": "⌛ No answer in time: not done again",
        },
    },
    answered_via={"console": " (in the console)", "api": " (by another program)", "run": " (the run was stopped)"},
    confirm_buttons={"action": "✅ Confirm", "repeat": "🔁 Do it again"},
    refuse_buttons={"action": "🚫 Cancel", "repeat": "🚫 Leave it"},
    always_button="✅ Always here (24 h)",
    confirmed={
        "yes": "✅ Confirmed",
        "always": "✅ Confirmed, and allowed here for 24 hours",
        "no": "🚫 Not done then",
    },
    over={
        "confirmed": "This was confirmed already.",
        "cancelled": "This was cancelled already.",
        "expired": "Too late: the time to answer is over, and nothing was done.",
    },
    no_such_question="There is no such question to you any more. What waits for you: /pending",
    for_admins="This was asked in the group’s name: only its administrators may answer.",
    pending_title="✋ Waiting for your decision:",
    pending_item="⏳ {wait} left: /confirm\\_{id} or /cancel\\_{id}",
    too_long_to_list="(too long to repeat it here: all of it is with the question above)",
    grants_title="✅ Allowed without asking:",
    grants_item=", for another {wait}",
    in_another_chat=" (in another chat)",
    revoke_button="↩️ Ask again: {kind}",
    revoked="From now on I ask again.",
    commands={
        "new": "New dialogue",
        "stop": "Stop what I am doing",
        "pending": "What waits for your decision",
        "clear": "Forget this dialogue",
        "context": "What I have in mind",
        "stats": "Statistics of the dialogue",
        "help": "Help",
    },
    commands_in_groups={
        "ask": "Ask a question",
        "new": "New dialogue",
        "stop": "Stop what I am doing for you",
        "pending": "What waits for your decision",
        "clear": "Forget my dialogue",
        "help": "How to ask me",
    },
    problems={
        UNREACHABLE: f"My server does not respond at the moment. {_LATER}",
        NO_ANSWER_IN_TIME: f"The answer is taking too long. {_LATER}",
        "/problems/no-provider-answered": f"No language model responds at the moment. {_LATER}",
        "/problems/session-busy": (
            "I am still answering your previous message. Please wait for it, then send this one again."
        ),
        "/problems/turn-interrupted": f"The answer was interrupted. {_LATER}",
        "/problems/storage-unavailable": f"My memory is not available at the moment. {_LATER}",
        "/problems/invalid-request": "I cannot read this. Please write it shorter or in other words.",
        "/problems/key-reused": "This message changed on its way. Please send it once more.",
        "/problems/text-too-long": _TOO_LONG,
        "/problems/body-too-large": _TOO_LONG,
        "/problems/answer-forgotten": "That answer is already forgotten. Please ask once more.",
        "/problems/unauthorized": _MISCONFIGURED,
        "/problems/bot-not-found": _MISCONFIGURED,
        "/problems/session-not-found": "This dialogue was not found. Start a new one: /new",
        "/problems/session-moved-on": "Too late: the earlier dialogue cannot be brought back.",
        "/problems/not-allowed": "Sorry, this bot answers only people its owner has invited.",
        "/problems/approval-needed": (
            "This bot answers only people its owner has let in. Your request has the code {code}; "
            "I will write to you as soon as the owner has decided."
        ),
        "/problems/admission-not-found": "Nobody asks with this code any more.",
        "/problems/admission-decided": "This was decided otherwise before.",
        "/problems/owner-decides": "Only the bot’s owner decides this.",
        "/problems/run-not-found": "I do not know this run any more.",
        "/problems/run-over": "This has come to its end already.",
        "/problems/step-not-found": "I do not know this step any more.",
        "/problems/step-over": "This step has come to its end already.",
        "/problems/confirmation-not-found": "I do not know this question any more.",
        "/problems/confirmation-over": "This was answered already.",
        "/problems/not-yours": "Only the person who was asked may answer.",
        "/problems/grant-not-found": "This is not allowed any more: I ask again.",
        MANY: _TOO_MANY,
        MANY_FOR_THE_BOT: "Too many people are writing to me right now. Please try again in {wait}.",
        "/problems/attachment-not-understood": "I do not understand this yet. Please put it into words.",
        "/problems/attachment-too-large": "This file is too large. Please send a smaller one.",
        "/problems/attachment-unsupported": (
            "This cannot be opened: it is damaged or of an unknown format. Please send it in another one."
        ),
        "/problems/document-unsupported": _UNREADABLE,
        "/problems/document-not-found": "This file is not in memory any more. Please send it again.",
        "/problems/document-empty": "This file is empty. Is it the right one?",
    },
    problem_statuses={401: _MISCONFIGURED, 413: _TOO_LONG, 429: _TOO_MANY},
    unknown_problem=f"Something went wrong. {_LATER}",
    units={
        "second": ("second", "seconds"),
        "minute": ("minute", "minutes"),
        "hour": ("hour", "hours"),
        "message": ("message", "messages"),
        "of_tokens": ("token", "tokens"),
    },
    form=form,
    date="%Y-%m-%d",
    thousands=",",
    decimal=".",
)

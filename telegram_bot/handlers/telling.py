"""How somebody learns that something did not work."""

import time
from collections.abc import Sequence

from aiogram.types import Message

from telegram_bot.addressing import in_private, language_of, speaker_id
from telegram_bot.backend_client import BackendProblem, Button
from telegram_bot.replies import Replies
from telegram_bot.words import Words, words_for

# Who may not talk to the bot gets no answer where others would have to read it.
PRIVATE_MATTERS = {"/problems/not-allowed", "/problems/approval-needed"}
TOO_MANY = "/problems/too-many-messages"
# Of what nobody answers at all, people should not learn late.
TOLD_AGAIN_SECONDS = 10


async def tell(message: Message, problem: BackendProblem, replies: Replies) -> None:
    """Say what went wrong. Raises the problem if it passes: then the update is handled again."""
    if problem.passing:
        raise problem
    if problem.type in PRIVATE_MATTERS and not in_private(message):
        return
    sentence = words_of(message).problem(problem.type, problem.status, problem.members)
    if problem.type == TOO_MANY:
        await replies.say(message, sentence, key=_once(message))
    else:
        await answer(message, sentence, replies)


async def answer(message: Message, text: str, replies: Replies, buttons: Sequence[Sequence[Button]] = ()) -> None:
    """Say what a message asks for, if there is not too much of that; it counts as if a model answered."""
    try:
        await replies.say(message, text, buttons, counts=True)
    except BackendProblem as problem:
        if problem.type != TOO_MANY:
            raise
        await tell(message, problem, replies)


def words_of(message: Message) -> Words:
    return words_for(language_of(message))


def _once(message: Message) -> str:
    """The same for a while: who writes too much is told so now and then, not as often as they write."""
    return f"too-many:{message.chat.id}:{speaker_id(message)}:{int(time.time() / TOLD_AGAIN_SECONDS)}"

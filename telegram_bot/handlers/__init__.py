"""What the relay does with each kind of update: the first handler that fits takes it."""

from aiogram import Router

from telegram_bot.handlers import buttons, commands, deciding, membership, messages, running
from telegram_bot.handlers.commands import show_commands

__all__ = ["make_router", "show_commands"]


def make_router() -> Router:
    """The handlers in the order in which they are asked."""
    router = Router()
    membership.follow_groups(router)
    messages.ignore_bots(router)
    for topic in (commands, running, deciding, buttons, membership, messages):
        topic.register(router)
    buttons.refuse_others(router)
    return router

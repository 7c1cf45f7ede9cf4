"""Makes messages for Telegram of the Markdown that a model writes."""

from telegram_bot.formatting.parts import LIMIT as LIMIT
from telegram_bot.formatting.parts import Entity as Entity
from telegram_bot.formatting.parts import Part as Part
from telegram_bot.formatting.render import render as render

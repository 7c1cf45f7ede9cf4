"""Makes messages for Telegram: of the Markdown that a model writes, and of what is to be read as it is."""

from telegram_bot.formatting.cleaning import exposed as exposed
from telegram_bot.formatting.composing import Stretch as Stretch
from telegram_bot.formatting.composing import below as below
from telegram_bot.formatting.composing import compose as compose
from telegram_bot.formatting.composing import fitting as fitting
from telegram_bot.formatting.composing import on_one_line as on_one_line
from telegram_bot.formatting.composing import units as units
from telegram_bot.formatting.parts import LIMIT as LIMIT
from telegram_bot.formatting.parts import Enclosed as Enclosed
from telegram_bot.formatting.parts import Entity as Entity
from telegram_bot.formatting.parts import Part as Part
from telegram_bot.formatting.parts import Piece as Piece
from telegram_bot.formatting.render import render as render

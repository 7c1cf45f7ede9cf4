"""A message becomes a reply: the life of a turn."""

from backend.chat.chat import Chat as Chat
from backend.chat.chat import Reply as Reply
from backend.chat.chat import TurnLimits as TurnLimits
from backend.chat.turns import Asked as Asked

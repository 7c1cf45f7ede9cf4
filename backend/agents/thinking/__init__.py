"""How agents think: a step's conversation with models, plans, judgements. Only the worker imports this."""

from backend.agents.thinking.thinking import Thinking as Thinking

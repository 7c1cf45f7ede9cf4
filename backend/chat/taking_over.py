"""Sessions that an operator has taken over: their turns are stored, no model is asked, and a person answers.

Switching a session's mode ends what was being answered in it, by a trigger: see the migration `operators`.
"""

from uuid import UUID

from backend.database import Database

# What a program is told in place of an answer, which comes later as a message of the session.
RUSSIAN, ENGLISH = "Вам ответит человек.", "A person will answer you."

LEFT = "select from turns where id = $1 and status = 'human'"


async def is_left_to_human(db: Database, turn_id: UUID) -> bool:
    """Whether this turn was taken from whoever answered it."""
    return bool(await db.run(LEFT, turn_id))


def promise_of_answer(language: str) -> str:
    """A sentence for the person."""
    return RUSSIAN if language.lower().startswith("ru") else ENGLISH

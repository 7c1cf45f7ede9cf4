"""How a run is seen: what it is about, its steps and how they stand, and the buttons that stop it or skip a step."""

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from telegram_bot.backend_client import RunCard, Step
from telegram_bot.formatting import Part, Stretch, below, compose, exposed, on_one_line, render, units
from telegram_bot.words import Words

LONGEST_TITLE, LONGEST_STEP, LONGEST_LABEL = 200, 70, 30
# What was said before, if it is no longer, stands in the card's own message; there is place for 20 steps below it.
LONGEST_ABOVE = 1_000
UNFINISHED = {"pending", "running", "waiting"}
SKIPPABLE = {"running", "waiting"}
MOST_SKIPPED = 3


def run_parts(text: str, card: RunCard, words: Words) -> list[Part]:
    """What was said, and the card, which is the last one; however the run fares, they are as many."""
    said = render(text)
    if len(said) == 1 and units(said[0].text) <= LONGEST_ABOVE:
        return [below(said[0], _shown(card, words, above=said[0].text))]
    return [*said, _shown(card, words)]


def run_markup(card: RunCard, user_id: str, words: Words) -> InlineKeyboardMarkup | None:
    """For the person only; none when the run has come to its end."""
    if card.status not in UNFINISHED or not user_id:
        return None
    run_id = card.run_id.replace("-", "")
    rows = [[InlineKeyboardButton(text=words.stop_run_button, callback_data=f"run:stop:{run_id}:{user_id}")]]
    steps = [step for step in card.steps if step.status in SKIPPABLE and step.kind == "act" and card.skippable]
    for step in steps[:MOST_SKIPPED]:
        label = words.skip_button.format(name=_line(step.name, LONGEST_LABEL))
        data = f"run:skip:{run_id}:{step.position}:{user_id}"
        rows.append([InlineKeyboardButton(text=label, callback_data=data)])
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _shown(card: RunCard, words: Words, above: str = "") -> Part:
    title = _line(card.title, LONGEST_TITLE)
    blocks = [
        [] if title.casefold() in above.casefold() else [Stretch(title, "bold")],
        [Stretch("\n".join(_steps(card, words)))],
        [Stretch(words.run_states[card.status])],
    ]
    stretches: list[Stretch] = []
    for block in blocks:
        if any(stretch.text for stretch in block):
            stretches += [Stretch("\n\n"), *block] if stretches else block
    return compose(*stretches)


def _steps(card: RunCard, words: Words) -> list[str]:
    """A single step says no more than the run itself; a plan that was made is seen by its steps."""
    listed = [step for step in card.steps if step.kind == "act" or step.status != "completed"]
    if len(listed) < 2 and not any(step.kind == "plan" for step in listed):
        return []
    return [words.step_states[step.status].format(name=_name(step, words)) for step in listed]


def _name(step: Step, words: Words) -> str:
    return words.planning if step.kind == "plan" else _line(step.name, LONGEST_STEP)


def _line(text: str, most: int) -> str:
    return on_one_line(exposed(" ".join(text.split())), most)

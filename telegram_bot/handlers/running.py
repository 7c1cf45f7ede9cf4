"""What the buttons of a run's card do; the card itself is edited when the backend says how the run fares."""

import re

from aiogram import F, Router
from aiogram.types import CallbackQuery

from telegram_bot.backend_client import BackendClient, BackendProblem
from telegram_bot.handlers.pressing import answer, answer_with, may_press, without_buttons
from telegram_bot.words import words_for

STOP = re.compile(r"run:stop:(?P<run_id>[0-9a-f]{32}):(?P<whose>-?\d+)$")
SKIP = re.compile(r"run:skip:(?P<run_id>[0-9a-f]{32}):(?P<position>\d+):(?P<whose>-?\d+)$")
GONE = {"/problems/run-not-found", "/problems/run-over"}


def register(router: Router) -> None:
    router.callback_query.register(stop, F.data.regexp(STOP).as_("pressed"), F.message)
    router.callback_query.register(skip, F.data.regexp(SKIP).as_("pressed"), F.message)


async def stop(query: CallbackQuery, pressed: re.Match[str], backend: BackendClient) -> None:
    words = words_for(query.from_user.language_code)
    if not may_press(query, pressed["whose"]):
        await answer(query, words.not_yours)
        return
    try:
        await backend.runs.cancel(pressed["run_id"], pressed["whose"])
    except BackendProblem as problem:
        await answer_with(query, problem, words)
        if problem.type in GONE:
            await without_buttons(query)
    else:
        await answer(query, words.run_stopped)


async def skip(query: CallbackQuery, pressed: re.Match[str], backend: BackendClient) -> None:
    words = words_for(query.from_user.language_code)
    if not may_press(query, pressed["whose"]):
        await answer(query, words.not_yours)
        return
    try:
        await backend.runs.skip(pressed["run_id"], int(pressed["position"]), pressed["whose"])
    except BackendProblem as problem:
        await answer_with(query, problem, words)
    else:
        await answer(query, words.step_skipped)

"""The relay as a process: started, killed, started again, and told to stop."""

import os
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.simulators.backend import BackendSimulator, cut
from tests.simulators.telegram import TelegramSimulator
from tests.simulators.telegram_calls import Fault

ROOT = Path(__file__).parents[2]

StartProcess = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(telegram: TelegramSimulator, backend: BackendSimulator, tmp_path: Path) -> AsyncIterator[StartProcess]:
    """Starts the relay as a process; keywords change its environment."""
    started: list[Process] = []

    async def start(**changes: str) -> Process:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "BOT_TOKEN": telegram.token,
            "BACKEND_URL": backend.url,
            "TELEGRAM_API_URL": telegram.url,
        }
        process = await create_subprocess_exec(
            *(sys.executable, "-m", "telegram_bot"),
            env=environment | changes,
            cwd=tmp_path,
            stderr=PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def logged(process: Process, words: str) -> str:
    """What the process logs, up to the line with these words."""
    assert process.stderr
    lines = ""
    while words not in lines:
        line = await process.stderr.readline()
        assert line, f"the process ended without {words!r}:\n{lines}"
        lines += line.decode()
    return lines


async def test_without_a_token_it_says_where_to_set_one_and_waits(
    start: StartProcess, telegram: TelegramSimulator
) -> None:
    process = await start(BOT_TOKEN="")
    assert ".env" in await logged(process, "BOT_TOKEN")
    assert process.returncode is None
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert not telegram.journal


async def test_a_kill_loses_no_message_and_a_stop_finishes_what_is_under_way(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    process = await start()
    telegram.say("before")
    await telegram.next_message()
    backend.open.clear()
    telegram.say("hello")
    telegram.say("and one more")
    await backend.until_asked(2)
    await telegram.until_called("getUpdates", len(telegram.calls("getUpdates")) + 2)
    process.kill()
    await process.wait()

    process = await start()
    await backend.until_asked(3)
    process.send_signal(signal.SIGTERM)
    backend.open.set()
    assert (await telegram.next_message())["text"] == "echo hello"
    assert (await telegram.next_message())["text"] == "echo and one more"
    assert await process.wait() == 0
    assert [body["text"] for body in backend.handled] == ["before", "hello", "and one more"]
    assert not telegram.world.updates


async def test_neither_token_nor_message_is_logged(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.answer = lambda text: "a secret answer"
    backend.problems = [cut]
    telegram.faults = [Fault("sendMessage", drop=True), Fault("getMe", drop=True)]
    process = await start(LOG_LEVEL="debug", API_KEYS="a-key-of-the-backend")
    telegram.say("a secret question")
    await telegram.next_message()
    telegram.world.add_update("message", {"text": "a secret of another form"})
    lines = await logged(process, "unknown form")
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    for secret in ("secret", "a-key-of-the-backend", telegram.token):
        assert secret not in lines + errors.decode()


async def test_a_setting_that_cannot_be_used_is_named(start: StartProcess) -> None:
    process = await start(ALLOWED_USER_IDS="nonsense")
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert "allowed_user_ids" in errors.decode()
    assert "Traceback" not in errors.decode()
    assert "nonsense" not in errors.decode()

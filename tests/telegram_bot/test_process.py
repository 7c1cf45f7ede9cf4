"""The relay as a process: started, killed, started again, followed by another one, and told to stop."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.simulators.backend import SECRET_KEY, BackendSimulator, cut
from tests.simulators.backend_deliveries import LEASE_SECONDS
from tests.simulators.telegram import GROUP, TelegramSimulator
from tests.simulators.telegram_calls import Fault

ROOT = Path(__file__).parents[2]
MOST_MEGABYTES = 250
FOR_EVER = 3600.0

StartProcess = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(telegram: TelegramSimulator, backend: BackendSimulator, tmp_path: Path) -> AsyncIterator[StartProcess]:
    """Starts the relay as a process; keywords change its environment."""
    started: list[Process] = []

    async def start(**changes: str) -> Process:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(tmp_path),
            "SECRET_KEY": SECRET_KEY,
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


async def test_without_a_bot_it_waits_and_stops_when_it_is_told_to(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.leases.bots.clear()
    process = await start()
    await backend.until(lambda: backend.leases.beats)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert backend.leases.left
    assert not telegram.journal


async def test_a_kill_amid_a_conversation_loses_nothing(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    process = await start()
    telegram.say("before")
    await telegram.next_message()
    await backend.until_delivered()
    backend.open.clear()
    telegram.say("not stored yet")
    await backend.until_asked(2)
    process.kill()
    await process.wait()
    backend.open.set()
    await start()
    assert (await telegram.next_message())["text"] == "echo not stored yet"

    backend.answering.clear()
    telegram.say("stored but not answered yet")
    await telegram.world.until(lambda: not telegram.world.updates, 60)
    assert [body["text"] for body in backend.handled] == ["before", "not stored yet", "stored but not answered yet"]


async def test_what_was_killed_and_started_again_goes_on_at_once_under_the_same_lease(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.leases.seconds = FOR_EVER
    process = await start()
    telegram.say("before")
    await telegram.next_message()
    await backend.until_delivered()
    process.kill()
    await process.wait()
    telegram.say("after")
    await start()
    assert (await telegram.next_message())["text"] == "echo after"
    assert len(set(backend.leases.beats)) == 1
    assert not telegram.world.overlaps


async def test_a_part_that_was_on_its_way_at_a_kill_is_sent_again_and_counted(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.faults = [Fault("sendMessage", delay=3600)]
    process = await start()
    telegram.say("hello")
    await telegram.until_called("sendMessage")
    process.kill()
    await process.wait()
    await start()
    assert (await telegram.next_message())["text"] == "echo hello"
    await backend.until_delivered()
    assert backend.deliveries.repeated == 1


async def test_an_answer_that_was_half_written_at_a_kill_is_one_message_all_the_same(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.pieces, backend.allowed = lambda text: ["half ", "of it"], asyncio.Semaphore(1)
    process = await start()
    telegram.say("@test_bot hello", chat=GROUP)
    await backend.until(lambda: backend.deliveries.shown)
    process.kill()
    await process.wait()
    [(turn_id, message_id)] = backend.deliveries.shown.items()
    where = {"bot": "default", "chat_id": str(GROUP["id"]), "turn_id": turn_id}
    backend.deliveries.add(**where, kind="answer", text="all of it", shown_as=message_id)
    await start()
    await backend.until_delivered()
    assert telegram.world.messages[GROUP["id"]][int(message_id)]["text"] == "all of it"
    assert len(telegram.calls("sendMessage")) == 1


async def test_another_process_takes_over_from_one_that_was_killed_and_never_two_receive(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    first = await start()
    telegram.say("to the first")
    await telegram.next_message()
    await start()
    await backend.until(lambda: len(set(backend.leases.beats)) == 2)
    telegram.say("still to the first")
    await telegram.next_message()
    assert len(telegram.calls("getMe")) == 1

    telegram.say("to whoever comes")
    holder, lease_until = backend.leases.holders["default"]
    assert lease_until <= time.monotonic() + LEASE_SECONDS
    first.kill()
    await first.wait()
    await backend.until(lambda: time.monotonic() > lease_until)
    assert backend.leases.holders["default"][0] != holder, "it goes to whoever beats next"
    await telegram.until_called("getMe", times=2)
    telegram.say("to the second")
    while (await telegram.next_message())["text"] != "echo to the second":
        pass
    assert [body["text"] for body in backend.handled][-2:] == ["to whoever comes", "to the second"]
    assert not telegram.world.overlaps


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
    process = await start(TELEGRAM_WEBHOOK_URL="nonsense")
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert "telegram_webhook_url" in errors.decode()
    assert "Traceback" not in errors.decode()
    assert "nonsense" not in errors.decode()


async def test_twenty_bots_need_little_memory(
    start: StartProcess, telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    tokens = [f"{500 + number}:token-of-a-bot-among-many-others" for number in range(20)]
    worlds = [telegram.add_bot(token, f"bot_{number}") for number, token in enumerate(tokens)]
    for world in worlds:
        backend.enable(world.token, world.me["username"])
    process = await start()
    for world in worlds:
        telegram.say("hello", to=world)
    for world in worlds:
        assert (await telegram.next_message(by=world))["text"] == "echo hello"
    assert megabytes(process.pid) < MOST_MEGABYTES


def megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

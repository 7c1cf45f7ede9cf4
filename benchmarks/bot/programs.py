"""Everything that takes part, running: the relay with all behind it, and the echo, each on a Telegram of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import orjson

from backend.local import Child, Program, embedded_stores
from benchmarks.bot.telegram import WRITTEN_TO
from benchmarks.turns.programs import answers, free_port

TOKEN = f"{WRITTEN_TO}:benchmark-of-the-relay-benchmark"
# Beside the one that people write to.
QUIET_BOTS = 19
SECRET_KEY = "benchmark-benchmark-benchmark-benchmark"


@dataclass(frozen=True, slots=True)
class Measured:
    """A bot's process, and the Telegram that it talks to."""

    name: str
    process: Child
    telegram_url: str


@contextmanager
def running(path: Path) -> Iterator[tuple[Measured, Measured]]:
    """The echo and the relay, ready, until the block ends."""
    with embedded_stores(path) as stores, ExitStack() as stack:

        def start(name: str, *argv: str, url: str = "", **told: str) -> Child:
            program = Program(name, (sys.executable, "-m", *argv), told, ready=lambda: not url or answers(url))
            child = Child(program, path / "logs")
            stack.callback(child.kill)
            child.start()
            return child

        def serve(name: str, module: str) -> str:
            url = f"http://127.0.0.1:{free_port()}"
            start(name, module, url.rpartition(":")[2], url=url)
            return url

        port = str(free_port())
        told = {
            "DATABASE_URL": stores.database_url,
            "REDIS_URL": stores.redis_url,
            "PORT": port,
            "BACKEND_URL": f"http://127.0.0.1:{port}",
            "TELEGRAM_API_URL": serve("telegram", "benchmarks.bot.telegram"),
            "BOT_TOKEN": TOKEN,
            "SECRET_KEY": SECRET_KEY,
            "MESSAGES_PER_MINUTE": "0",
            "LLM_CHAIN": "stub:chat",
            "STUB_BASE_URL": serve("model", "benchmarks.turns.stub") + "/v1",
        }
        subprocess.run([sys.executable, "-m", "backend.cli", "migrate"], env=os.environ | told, check=True)
        start("backend", "backend.api", url=told["BACKEND_URL"], **told)
        relay = start("bot", "telegram_bot", **told)
        for number in range(1, 1 + QUIET_BOTS):
            _add_bot(told["BACKEND_URL"], number)
        echo_telegram = serve("telegram-of-the-echo", "benchmarks.bot.telegram")
        echo = start("echo", "benchmarks.bot.echo", TELEGRAM_API_URL=echo_telegram)
        yield Measured("bare aiogram echo", echo, echo_telegram), Measured("relay", relay, told["TELEGRAM_API_URL"])


def _add_bot(backend_url: str, number: int) -> None:
    bot = {
        "slug": f"quiet-{number}",
        "name": "Quiet",
        "token": TOKEN.replace(str(WRITTEN_TO), str(WRITTEN_TO + number)),
    }
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(f"{backend_url}/v1/bots", orjson.dumps(bot), headers), timeout=10):
        pass

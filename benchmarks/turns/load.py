"""Puts load on a server with wrk, and says what came of it."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
# A request that takes longer than this counts as an error.
TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Chats:
    """Who speaks: chats named by a prefix and a number; each has one message on its way at a time, or few."""

    prefix: str
    count: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What wrk saw; the percentiles are of milliseconds."""

    turns: int
    seconds: float
    p50: float
    p95: float
    p99: float
    errors: int

    @property
    def rate(self) -> float:
        """Turns per second."""
        return self.turns / self.seconds


def press(url: str, *, key: str, connections: int, seconds: int, chats: Chats) -> Outcome:
    """Send turns for so many seconds, over so many connections, one at a time on each."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT_SECONDS}s", f"-s{SCRIPT}", url]
    variables = {"PREFIX": chats.prefix, "CHATS": str(chats.count), "AUTHORIZATION": f"Bearer {key}"}
    done = subprocess.run(command, env=os.environ | variables, check=True, stdout=subprocess.PIPE, text=True)
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))

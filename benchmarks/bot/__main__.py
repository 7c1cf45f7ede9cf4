"""`python -m benchmarks.bot`: measures for about two minutes, and prints a table."""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

import orjson

from benchmarks.bot.programs import Measured, running
from benchmarks.turns.proc import cpu_seconds, peak_megabytes, wait_until_idle
from benchmarks.turns.stub import SLOWLY

ROUNDS = 3
PATIENCE_SECONDS = 30.0
WARM_UP = 50


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who writes: so many people, so many messages in all."""

    title: str
    people: int
    messages: int
    text: str


CROWDS = (
    Crowd("one person, answered at once", 1, 200, "What did we decide about the trip to Lisbon in May?"),
    Crowd("32 people, answered at once", 32, 1_000, "What did we decide about the trip to Lisbon in May?"),
    Crowd("32 people, answers written for 3 s", 32, 64, SLOWLY),
)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one crowd took: answers per second, and of the bot's process milliseconds of CPU and calls per answer.

    `first_words` are the milliseconds from the first word of a model to its way to the person.
    """

    rate: float
    cpu: float
    calls: float
    first_words: list[float]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bot-") as path, running(Path(path)) as bots:
        for bot in bots:
            measure(bot, Crowd("", 4, WARM_UP, CROWDS[0].text))
        print(
            f"{'':36}{'':20}{'answers/s':>10}{'CPU ms':>8}{'calls':>7}   per answer, of the bot's process", flush=True
        )
        for crowd in CROWDS:
            print("\n".join(compare(bots, crowd)), flush=True)
        for bot in bots:
            print(f"memory of the {bot.name}'s process: {peak_megabytes(bot.process.pid):.0f} MB at most")


def compare(bots: tuple[Measured, Measured], crowd: Crowd) -> Iterator[str]:
    rounds = [[measure(bot, crowd) for bot in bots] for _ in range(ROUNDS)]
    for place, bot in enumerate(bots):
        rate, cpu, calls = (
            median(getattr(spent[place], part) for spent in rounds) for part in ("rate", "cpu", "calls")
        )
        yield f"{crowd.title:36}{bot.name:20}{rate:>10,.0f}{cpu:>8.2f}{calls:>7.1f}"
    yield f"{'':36}{'relay / echo':20}{'':10}{median(relay.cpu / echo.cpu for echo, relay in rounds):>8.2f}"
    if waited := sorted(chain.from_iterable(relay.first_words for _, relay in rounds)):
        yield f"{'':36}first word of the model on its way to the person after {_quantiles(waited)}"


def _quantiles(milliseconds: list[float]) -> str:
    p95 = milliseconds[math.ceil(0.95 * len(milliseconds)) - 1]
    return f"p50 {median(milliseconds):.0f} ms, p95 {p95:.0f} ms, at most {milliseconds[-1]:.0f} ms"


def measure(bot: Measured, crowd: Crowd) -> Spent:
    wait_until_idle(bot.process.pid, patience=PATIENCE_SECONDS)
    before = cpu_seconds(bot.process.pid)
    wanted = {"people": crowd.people, "messages": crowd.messages, "text": crowd.text}
    with urlopen(Request(f"{bot.telegram_url}/crowd", orjson.dumps(wanted)), timeout=300) as response:
        outcome = orjson.loads(response.read())
    wait_until_idle(bot.process.pid, patience=PATIENCE_SECONDS)
    milliseconds = (cpu_seconds(bot.process.pid) - before) * 1000
    calls = sum(outcome["calls"].values())
    each = crowd.messages
    return Spent(each / outcome["seconds"], milliseconds / each, calls / each, outcome["first_words"])


if __name__ == "__main__":
    main()

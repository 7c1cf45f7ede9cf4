"""Notes, and records of which were folded into a summary: so that a test sees where each of them is."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from backend.memory.window import EARLIER
from tests.faults.people import Person
from tests.processes import BackendProcess, until
from tests.simulators.provider import Answer, Behaviour, Call, Provider, Rule

# A person says `note 7 by anna` and is answered `You said: note 7 by anna`: u7 and a7 in a record.
NOTE = re.compile(r"^(?:You said: )?note (\d+) by ")
SAID = re.compile(r"^\[(user|assistant)\] (?:You said: )?note (\d+) by ", re.M)
MARK = re.compile(r"\b[ua]\d+\b")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A summary that lists what the last one listed and then what it was given; not before `gate` is set."""

    gate: asyncio.Event | None = None

    async def perform(self, request: web.Request, call: Call) -> web.StreamResponse:
        record, _, said = call.messages[1]["content"].partition("</record>")
        marks = [*MARK.findall(record), *(f"{role[0]}{number}" for role, number in SAID.findall(said))]
        summary = f"STORY\nNoted: {' '.join(marks)}\nFACTS\n"
        return await Answer(summary, gate=self.gate).perform(request, call)


def note(number: int, person: Person) -> str:
    return f"note {number} by {person.name}"


async def take_notes(person: Person, backend: BackendProcess, last: int, *, since: int = 1) -> None:
    """The person says notes up to this number, one after the other."""
    for number in range(since, last + 1):
        assert await person.says(backend, note(number, person)) == f"You said: {note(number, person)}"


def marks(prompt: Sequence[Mapping[str, str]]) -> list[str]:
    """Which notes a prompt holds, in order: those that its summary lists, and those that are there."""
    found: list[str] = []
    for message in prompt:
        role, content = message["role"], message["content"]
        if role == "system" and content.startswith(EARLIER):
            found += MARK.findall(content.removeprefix(EARLIER))
        elif match := NOTE.match(content):
            found.append(f"{role[0]}{match[1]}")
    return found


def marks_of(turns: int) -> list[str]:
    """Every note of so many turns and every answer to it, and the question that follows."""
    return [f"{role}{number}" for number in range(1, turns + 1) for role in "ua"] + [f"u{turns + 1}"]


def about(person: Person, behaviour: Behaviour) -> Rule:
    """A rule for calls that a person's words occur in."""
    return lambda body: behaviour if any(person.name in said["content"] for said in body["messages"]) else None


def calls_about(person: Person, provider: Provider) -> list[Call]:
    return [call for call in provider.calls if person.name.encode() in call.raw]


async def called_about(person: Person, provider: Provider, times: int = 1) -> None:
    """Returns once so many calls about a person have come."""

    async def have_come() -> bool:
        return len(calls_about(person, provider)) >= times

    await until(have_come)

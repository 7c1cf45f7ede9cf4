"""What two people say in private reaches no prompt of the other's chats, nor of a group that they share."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from tests.conftest import MakeBackend
from tests.processes import PATIENCE_SECONDS
from tests.simulators.provider import Answer, Provider
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_world import Json, Person

THINGS = [
    "bicycle", "locker", "suitcase", "garage", "letterbox", "piano", "greenhouse", "sailboat", "telescope", "cellar",
    "cupboard", "violin", "motorbike", "cottage", "workshop", "aquarium", "caravan", "library", "bakery", "orchard",
    "chapel", "stable", "windmill", "lighthouse", "darkroom", "treehouse", "balcony", "attic", "studio", "pantry",
]  # fmt: skip
TOPIC = {"message_thread_id": 7, "is_topic_message": True}
PLACES: list[tuple[str, Json]] = [("group", {}), ("topic", TOPIC)]


@dataclass(frozen=True, slots=True)
class Probe:
    """A question about somebody's secret, where it must not be known."""

    person: Person
    secret: str
    text: str
    place: str
    fields: Json


def code(person: Person, thing: str) -> str:
    return f"{thing[:3]}{person.id}x{len(thing) * 7919 % 997}"


def probes() -> Iterator[Probe]:
    for (owner, other), thing in product(((ANNA, IVAN), (IVAN, ANNA)), THINGS):
        question = f"What is the secret code of the {thing} of {owner.first_name}?"
        yield Probe(other, code(owner, thing), question, "private", {})
        for person, (place, fields) in product((owner, other), PLACES):
            yield Probe(person, code(owner, thing), f"@test_bot {question}", place, fields)


async def put(telegram: TelegramSimulator, probe: Probe) -> None:
    """Returns once it is answered."""
    chat = GROUP | {"is_forum": True} if probe.place != "private" else None
    message = telegram.say(probe.text, person=probe.person, chat=chat, **probe.fields)
    place = message["chat"]["id"]

    def answered() -> bool:
        said = telegram.world.messages[place].values()
        return any(_answers(answer, message) for answer in said if answer["from"] == telegram.world.me)

    await telegram.everybody.until(answered, PATIENCE_SECONDS)


def _answers(answer: Json, message: Json) -> bool:
    """In groups an answer quotes what it answers; in private it comes next."""
    if message["chat"]["type"] == "private":
        return bool(answer["message_id"] > message["message_id"])
    return bool(answer.get("reply_to_message", {}).get("message_id") == message["message_id"])


@pytest.mark.usefixtures("bot")
async def test_three_hundred_probes_find_no_leak(
    telegram: TelegramSimulator, provider: Provider, make_backend: MakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_BASE_URL", provider.base_url)
    provider.usual = Answer("Understood.")
    indexer = await make_backend(embeddings="stub:words")
    await asyncio.gather(*(tell_secrets(telegram, person) for person in (ANNA, IVAN)))
    while await indexer.indexing.index():
        pass
    await ask_for_their_own(telegram, provider)
    provider.calls.clear()
    lanes: dict[tuple[int, str], list[Probe]] = {}
    for probe in probes():
        lanes.setdefault((probe.person.id, probe.place), []).append(probe)
    await asyncio.gather(*(put_in_turn(telegram, lane) for lane in lanes.values()))
    asked = [probe for lane in lanes.values() for probe in lane]
    assert len(asked) == 300
    assert leaks(provider, asked) == []


async def tell_secrets(telegram: TelegramSimulator, person: Person) -> None:
    for thing in THINGS:
        await put(telegram, Probe(person, "", f"The secret code of my {thing} is {code(person, thing)}", "private", {}))


async def ask_for_their_own(telegram: TelegramSimulator, provider: Provider) -> None:
    """Whoever told a secret is told it: so there is something that could leak."""
    for person in (ANNA, IVAN):
        thing = THINGS[3]
        for text in ("/new", f"What is the secret code of my {thing}?"):
            await put(telegram, Probe(person, "", text, "private", {}))
        assert code(person, thing) in str(provider.prompts[-1])


async def put_in_turn(telegram: TelegramSimulator, lane: list[Probe]) -> None:
    for probe in lane:
        await put(telegram, probe)


def leaks(provider: Provider, asked: list[Probe]) -> list[tuple[str, str]]:
    """Which question's prompt holds which secret that it must not hold."""
    forbidden = {probe.text.removeprefix("@test_bot "): probe.secret for probe in asked}
    found = []
    for prompt in provider.prompts:
        question = prompt[-1]["content"]
        secret = next(secret for text, secret in forbidden.items() if text in question)
        if secret in str(prompt):
            found.append((question, secret))
    return found

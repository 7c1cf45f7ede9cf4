"""Leases and deliveries as the backend keeps them: who may act for a bot, and what is still to be handed over."""

import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

LEASE_SECONDS = 10.0


class Refused(Exception):
    """A problem: its type, its status, and what else it says."""

    def __init__(self, type: str, status: int, **members: Any) -> None:
        super().__init__(type)
        self.type = type
        self.status = status
        self.members = members


@dataclass
class Leases:
    """`bots` are the rows of those that are enabled, by slug."""

    bots: dict[str, Json] = field(default_factory=dict)
    reported: dict[str, Json] = field(default_factory=dict)
    beats: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    holders: dict[str, tuple[str, float]] = field(default_factory=dict)
    refused: int = 0
    seconds: float = LEASE_SECONDS

    def beat(self, relay_id: str, reports: list[Json]) -> Json:
        self.beats.append(relay_id)
        self.reported |= {report["slug"]: report for report in reports}
        lent = []
        for slug, bot in self.bots.items():
            holder, until = self.holders.get(slug, ("", 0.0))
            if holder == relay_id or until < time.monotonic():
                self.holders[slug] = relay_id, time.monotonic() + self.seconds
                lent.append(bot)
        return {"lease_seconds": self.seconds, "bots": lent}

    def leave(self, relay_id: str) -> None:
        self.left.append(relay_id)
        for slug in self.held_by(relay_id):
            del self.holders[slug]

    def held_by(self, relay_id: str) -> list[str]:
        now = time.monotonic()
        return [slug for slug, (holder, until) in self.holders.items() if holder == relay_id and until >= now]


class Deliveries:
    """`repeated` counts the parts that were announced again, `shown` tells by turn which message shows it."""

    def __init__(self, leases: Leases) -> None:
        self.all: dict[int, Json] = {}
        self.repeated = 0
        self.shown: dict[str, str] = {}
        self._leases = leases
        self._keys: dict[tuple[str, str], int] = {}

    def add(self, **content: Any) -> Json:
        key = content["bot"], content.get("key") or f"turn {content.get('turn_id')}"
        if key in self._keys:
            return self.all[self._keys[key]]
        number = self._keys[key] = len(self.all) + 1
        card = {"card": None, "changed": 0, "shown": 0}
        usual = card | {
            "turn_id": None,
            "thread_id": "",
            "user_id": "",
            "reply_to": "",
            "language": "",
            "stopped": False,
        }
        state = {"buttons": None, "parts": None, "sent": 0, "sending": None, "state": "pending", "max_length": None}
        self.all[number] = usual | state | content | {"id": number}
        return self.all[number]

    def pending(self, relay_id: str, after: int) -> list[Json]:
        held = self._leases.held_by(relay_id)
        found = [
            delivery
            for number, delivery in self.all.items()
            if number > after and delivery["state"] == "pending" and delivery["bot"] in held
        ]
        return found[:100]

    def change(self, delivery: Json, **card: Any) -> None:
        """Its card is another one from now on."""
        delivery["card"] = delivery["card"] | card
        delivery["changed"] = max(other["changed"] for other in self.all.values()) + 1

    def changed(self, relay_id: str, after: int) -> list[Json]:
        held = self._leases.held_by(relay_id)
        found = [
            delivery
            for delivery in self.all.values()
            if max(delivery["shown"], after) < delivery["changed"]
            and delivery["state"] == "sent"
            and delivery["bot"] in held
        ]
        return sorted(found, key=lambda delivery: delivery["changed"])[:100]

    def show(self, number: int, told: Json) -> None:
        delivery = self._held(number, told)
        delivery["shown"] = max(delivery["shown"], min(told["changed"], delivery["changed"]))

    def progress(self, number: int, told: Json) -> Json:
        delivery = self._held(number, told)
        if delivery["state"] != "pending":
            raise Refused("delivery-over", 409)
        if told.get("sending") and told["sending"] == delivery["sending"]:
            self.repeated += 1
        if "sent" in told and "sending" not in told:
            told["sending"] = None
        delivery.update(told)
        return delivery

    def _held(self, number: int, told: Json) -> Json:
        if number not in self.all:
            raise Refused("delivery-not-found", 404)
        if self.all[number]["bot"] not in self._leases.held_by(told.pop("relay")):
            self._leases.refused += 1
            raise Refused("lease-lost", 409)
        return self.all[number]

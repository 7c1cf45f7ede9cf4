"""Brings a running Directus to what the panel's files say, and tells what that took. A second time, nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from directus.client import Client, Item, Refused
from directus.reading import MARK
from directus.wanted import Wanted

# In this order they are made; what belongs to something else goes before it.
KINDS = ("policies", "roles", "access", "dashboards", "panels", "flows", "operations", "translations")


class TableMissing(Exception):
    """Directus does not see a table, or a column: the migrations, or the role's grants, have not been applied."""


@dataclass(slots=True)
class Changes:
    """How many things were made, changed or removed."""

    made: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0

    def __bool__(self) -> bool:
        return bool(self.made or self.changed or self.removed)

    def __str__(self) -> str:
        return f"{self.made} made, {self.changed} changed, {self.removed} removed, {self.same} as they were"


def holds(have: object, want: object) -> bool:
    """Whether everything that is wanted is there; what else is there does not matter."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(holds(have.get(key), value) for key, value in want.items())
    if isinstance(want, list):
        return isinstance(have, list) and len(have) == len(want) and all(map(holds, have, want))
    return have == want


@dataclass(slots=True)
class Applying:
    """One run over a Directus in which an administrator is logged in."""

    client: Client
    changes: Changes = field(default_factory=Changes)

    async def apply(self, wanted: Wanted) -> Changes:
        """Raises `TableMissing`, or `Refused`."""
        # Tables that a migration has changed are not known to it yet.
        await self.client.post("/utils/cache/clear?system=true", {})
        await self._settings(wanted)
        await self._collections(wanted)
        await self._fields(wanted)
        await self._relations(wanted)
        for kind in KINDS:
            await self._items(kind, wanted.items[kind])
        await self._beginnings(wanted)
        await self._permissions(wanted)
        await self._presets(wanted)
        for kind in reversed(KINDS):
            await self._prune(kind, {item["id"] for item in wanted.items[kind]})
        return self.changes

    async def _settings(self, wanted: Wanted) -> None:
        await self.bring("/settings", await self.client.get("/settings"), wanted.settings)

    async def _collections(self, wanted: Wanted) -> None:
        have = {item["collection"]: item for item in await self.client.get("/collections")}
        tables = {table for table, _ in wanted.fields}
        for key, meta in wanted.collections.items():
            if key in have:
                await self.bring(f"/collections/{key}", have[key]["meta"], meta, within="meta")
            elif key in tables:
                raise TableMissing(f"Directus sees no table {key!r}: run the migrations, and the first half of this.")
            else:
                await self.make("/collections", {"collection": key, "meta": meta, "schema": None})
        for key, item in have.items():
            if key not in wanted.collections and not key.startswith("directus_") and item["schema"] is None:
                await self._remove(f"/collections/{key}")

    async def _fields(self, wanted: Wanted) -> None:
        have = {(item["collection"], item["field"]): item for item in await self.client.get("/fields")}
        for (table, key), meta in wanted.fields.items():
            if (table, key) not in have:
                raise TableMissing(f"Directus sees no column {table}.{key}: run the first half of this.")
            await self.bring(f"/fields/{table}/{key}", have[table, key]["meta"], meta, within="meta")
        for (table, key), meta in wanted.beside.items():
            if (table, key) in have:
                await self.bring(f"/fields/{table}/{key}", have[table, key]["meta"], meta, within="meta")
            else:
                await self.make(f"/fields/{table}", {"field": key, "type": "alias", "schema": None, "meta": meta})
        known = wanted.fields.keys() | wanted.beside.keys()
        for (table, key), item in have.items():
            if table in wanted.collections and (table, key) not in known and item["schema"] is None:
                await self._remove(f"/fields/{table}/{key}")

    async def _relations(self, wanted: Wanted) -> None:
        have = {(item["collection"], item["field"]): item for item in await self.client.get("/relations")}
        for (table, key), meta in wanted.relations.items():
            await self.bring(f"/relations/{table}/{key}", have[table, key]["meta"], meta, within="meta")

    async def _items(self, kind: str, items: list[Item]) -> None:
        have = {item["id"]: item for item in await self.client.all(f"/{kind}")}
        for item in items:
            if item["id"] in have:
                await self.bring(f"/{kind}/{item['id']}", have[item["id"]], item)
            else:
                await self.make(f"/{kind}", item)

    async def _beginnings(self, wanted: Wanted) -> None:
        """A flow is there before its operations, so it is told last where it begins."""
        for flow, operation in wanted.beginnings.items():
            await self.bring(f"/flows/{flow}", await self.client.get(f"/flows/{flow}"), {"operation": operation})

    async def _prune(self, kind: str, wanted: set[str]) -> None:
        """What was ours, and is no longer in the files."""
        for item in await self.client.all(f"/{kind}"):
            if item["id"].startswith(MARK) and item["id"] not in wanted:
                await self._remove(f"/{kind}/{item['id']}")

    async def _permissions(self, wanted: Wanted) -> None:
        ours = [item for item in await self.client.all("/permissions") if str(item["policy"]).startswith(MARK)]
        await self._keyed("/permissions", ours, wanted.permissions, ("policy", "collection", "action"))

    async def _presets(self, wanted: Wanted) -> None:
        """Those of everybody; what people have arranged for themselves is theirs."""
        nobodys = {"filter[user][_null]": "true", "filter[role][_null]": "true"}
        have = await self.client.all("/presets", **nobodys)
        ours = [item for item in have if item["collection"] in wanted.collections]
        await self._keyed("/presets", ours, wanted.presets, ("collection", "bookmark"))

    async def _keyed(self, path: str, have: list[Item], wanted: list[Item], key: tuple[str, ...]) -> None:
        """Things that Directus numbers itself: they are known by some of their columns."""
        left = {tuple(item[name] for name in key): item for item in have}
        for item in wanted:
            if known := left.pop(tuple(item[name] for name in key), None):
                await self.bring(f"{path}/{known['id']}", known, item)
            else:
                await self.make(path, item)
        for item in left.values():
            await self._remove(f"{path}/{item['id']}")

    async def make(self, path: str, item: Item) -> None:
        await self.client.post(path, item)
        self.changes.made += 1

    async def bring(self, path: str, have: object, want: Mapping[str, object], *, within: str = "") -> None:
        if holds(have, want):
            self.changes.same += 1
            return
        await self.client.patch(path, {within: want} if within else want)
        self.changes.changed += 1

    async def _remove(self, path: str) -> None:
        try:
            await self.client.delete(path)
        except Refused as refused:  # it went with something else
            if refused.status not in (403, 404):
                raise
        else:
            self.changes.removed += 1

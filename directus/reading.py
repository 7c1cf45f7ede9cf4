"""The panel's files, as they are read: tables with their fields and lists, and everything around them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml

FOLDER = Path(__file__).parent / "panel"

# A person's word for something, in English and in Russian.
Words = list[str]
# What a file says of something.
Told = Mapping[str, Any]

# Whatever has an id from here was made by these files, and goes when it is no longer in them.
OURS = UUID("1b07c0de-11b0-4c0e-8000-000000000000")
MARK = "1b07c0de"


def named(kind: str, key: str) -> str:
    """The id of something in the panel: always the same, and recognizably ours."""
    return MARK + str(uuid5(OURS, f"{kind} {key}"))[len(MARK) :]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the panel shows it; `fields` are its columns, `lists` the rows of others that belong to one of its."""

    key: str
    folder: str
    sort: int
    told: Told

    @property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        return self.told["fields"]  # type: ignore[no-any-return]

    @property
    def lists(self) -> Mapping[str, Mapping[str, Any]]:
        return self.told.get("lists", {})  # type: ignore[no-any-return]

    @property
    def first(self) -> list[str]:
        """The fields that a page begins with; without any, all of them stand there before the lists."""
        return self.told.get("first", [])  # type: ignore[no-any-return]

    @property
    def may(self) -> Mapping[str, list[str]]:
        """What each role may do besides reading; `administrator` stands for all of them."""
        return self.told.get("may", {})  # type: ignore[no-any-return]

    def anyone_may(self, action: str) -> bool:
        return any(action in actions for actions in self.may.values())

    @property
    def changeable(self) -> list[str]:
        """The columns that may be written in a row that is there."""
        return [key for key, field in self.fields.items() if field.get("edit") or field.get("written")]

    @property
    def insertable(self) -> list[str]:
        """The columns that may be written in a new row."""
        return [key for key, field in self.fields.items() if field.get("edit") or field.get("new")]


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything that the files say; `kept_back` names what Directus may not read: columns by table, or all of them."""

    folders: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Table]
    kept_back: Mapping[str, Any]
    settings: Mapping[str, Any]
    bookmarks: Mapping[str, Mapping[str, Any]]
    roles: Mapping[str, Mapping[str, Any]]
    dashboards: Mapping[str, Mapping[str, Any]]
    flows: Mapping[str, Mapping[str, Any]]


def read_panel(folder: Path = FOLDER) -> Panel:
    """The panel in a folder of files."""
    folders, tables = {}, {}
    for file in sorted(folder.glob("tables/*.yaml")):
        told = _load(file)
        place = told["folder"]
        folders[place["key"]] = place
        tables.update({table.key: table for table in _tables(told)})
    rest: dict[str, Any] = {"dashboards": {}, "flows": {}}
    for file in folder.glob("*.yaml"):
        rest.update(_load(file))
    return Panel(folders, tables, **rest)


def _tables(told: Told) -> Iterator[Table]:
    for sort, (key, table) in enumerate(told["tables"].items(), 1):
        yield Table(key, told["folder"]["key"], sort, table)


def _load(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8"))  # type: ignore[no-any-return]

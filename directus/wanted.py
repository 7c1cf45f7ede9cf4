"""What should stand in Directus: the panel's files, in the shapes of its REST API."""

from collections.abc import Iterator
from dataclasses import dataclass

from directus import looks
from directus.looks import COLOURS, Json
from directus.reading import Panel, Table, Told, named
from directus.texts import ENGLISH, RUSSIAN, Glossary, translations

# What the panel's people need of Directus itself: its recommended rules, the only ones with a filter that Core takes.
OF_DIRECTUS: tuple[Json, ...] = (
    {"collection": "directus_dashboards"},
    {"collection": "directus_panels"},
    {
        "collection": "directus_flows",
        "fields": ["id", "status", "name", "icon", "color", "options", "trigger"],
        "permissions": {"trigger": {"_eq": "manual"}},
    },
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`items` are by endpoint, each with an id of ours; `beginnings` are the first operations of flows.

    `beside` is what pages have beside their columns: lists, and a part that is folded.
    """

    settings: Json
    collections: dict[str, Json]
    fields: dict[tuple[str, str], Json]
    beside: dict[tuple[str, str], Json]
    relations: dict[tuple[str, str], Json]
    items: dict[str, list[Json]]
    beginnings: dict[str, str]
    permissions: list[Json]
    presets: list[Json]


def wanted(panel: Panel) -> Wanted:
    """Everything that should stand in Directus, apart from people."""
    glossary, tables = Glossary(), panel.tables.values()
    collections = {key: _folder(key, sort, told) for sort, (key, told) in enumerate(panel.folders.items(), 1)}
    collections |= {table.key: _collection(table, glossary) for table in tables}
    fields = {(table.key, key): meta for table in tables for key, meta in _fields(table, glossary)}
    beside = {(table.key, key): meta for table in tables for key, meta in _beside(table)}
    presets = [_list(table) for table in tables] + [
        _bookmark(panel, told, glossary) for told in panel.bookmarks.values()
    ]
    items = _items(panel, glossary)
    items["translations"] = _said(glossary)
    beginnings = {named("flow", key): _step(key, 0) for key in panel.flows}
    permissions = [rule for role in panel.roles for rule in _permissions(panel, role)]
    return Wanted(
        dict(panel.settings), collections, fields, beside, _relations(panel), items, beginnings, permissions, presets
    )


# The part of a page that is folded at first.
DETAILS = "details"


def _folder(key: str, sort: int, told: Told) -> Json:
    named_in_both = translations(told["name"])
    look = {"icon": told["icon"], "color": COLOURS[told["color"]]}
    return {**look, "sort": sort, "group": None, "collapse": "open", "translations": named_in_both}


def _collection(table: Table, glossary: Glossary) -> Json:
    told = table.told
    names = [
        {**many, "singular": one, "plural": many["translation"]}
        for many, one in zip(translations(told["name"]), told["one"], strict=True)
    ]
    return {
        "group": table.folder,
        "sort": table.sort,
        "icon": told["icon"],
        "color": COLOURS[told["color"]],
        "note": glossary.key(told.get("note")),
        "display_template": told["shows"],
        "hidden": False,
        "accountability": "all",
        "translations": names,
    }


def _fields(table: Table, glossary: Glossary) -> Iterator[tuple[str, Json]]:
    """In the order of a page: those that come first, the lists, and the rest; which is folded, if there are lists."""
    group = DETAILS if table.first else None
    for sort, (key, told) in enumerate(table.fields.items(), len(table.lists) + 1):
        if key in table.first:
            yield key, looks.field(told, table.first.index(key) - len(table.first), glossary)
        else:
            yield key, looks.field(told, sort, glossary, group=group)


def _beside(table: Table) -> Iterator[tuple[str, Json]]:
    after = 0 if table.first else len(table.fields)
    for sort, (key, told) in enumerate(table.lists.items(), after + 1):
        yield key, looks.rows_of_another(told, sort)
    if table.first:
        yield DETAILS, looks.details(len(table.lists) + len(table.fields) + 1)


def _relations(panel: Panel) -> dict[tuple[str, str], Json]:
    """By table and column, the list on the other side that a foreign key has."""
    relations: dict[tuple[str, str], Json] = {
        (table.key, key): {"one_field": None, "one_deselect_action": "nullify"}
        for table in panel.tables.values()
        for key, told in table.fields.items()
        if told["is"] == "link"
    }
    for table in panel.tables.values():
        for key, told in table.lists.items():
            many, column = told["of"].split(".")
            relations[many, column]["one_field"] = key
            if panel.tables[many].anyone_may("delete"):
                relations[many, column]["one_deselect_action"] = "delete"
    return relations


def _list(table: Table) -> Json:
    return {
        "collection": table.key,
        "bookmark": None,
        "icon": "bookmark",
        "color": None,
        "filter": None,
        "layout": "tabular",
        "layout_query": {"tabular": {"sort": [table.told["sort"]], "fields": table.told["list"]}},
        "layout_options": {"tabular": {"spacing": "cozy"}},
    }


def _bookmark(panel: Panel, told: Told, glossary: Glossary) -> Json:
    look = {"bookmark": glossary.key(told["name"]), "icon": told["icon"], "color": COLOURS[told["color"]]}
    return {**_list(panel.tables[told["table"]]), **look, "filter": told["filter"]}


def _items(panel: Panel, glossary: Glossary) -> dict[str, list[Json]]:
    """In an order in which each finds what it belongs to."""
    items: dict[str, list[Json]] = {
        kind: [] for kind in ("policies", "roles", "access", "dashboards", "panels", "flows", "operations")
    }
    for role, told in panel.roles.items():
        policy, look = named("policy", role), {"icon": told["icon"], "description": told["description"]}
        items["policies"].append(
            {"id": policy, "name": told["name"], "app_access": True, "admin_access": False, **look}
        )
        items["roles"].append({"id": named("role", role), "name": told["name"], **look})
        items["access"].append({"id": named("access", role), "role": named("role", role), "policy": policy, "sort": 1})
    for key, told in panel.dashboards.items():
        for number, language in enumerate((ENGLISH, RUSSIAN)):
            look = {"icon": told["icon"], "color": COLOURS[told["color"]], "note": None}
            dashboard = named("dashboard", f"{key} {language}")
            items["dashboards"].append({"id": dashboard, "name": told["name"][number], **look})
            items["panels"].extend(_panels(dashboard, told, number))
    for key, told in panel.flows.items():
        items["flows"].append(_flow(key, told, glossary))
        items["operations"].extend(_operations(key, told))
    return items


def _panels(dashboard: str, told: Told, language: int) -> Iterator[Json]:
    for key, panel in told["panels"].items():
        x, y, width, height = panel["at"]
        yield {
            "id": named("panel", f"{dashboard} {key}"),
            "dashboard": dashboard,
            "name": panel["name"][language],
            "icon": panel["icon"],
            "color": COLOURS[panel["color"]] if "color" in panel else None,
            "show_header": True,
            "type": panel["type"],
            "position_x": x,
            "position_y": y,
            "width": width,
            "height": height,
            "options": panel["options"],
        }


def _flow(key: str, told: Told, glossary: Glossary) -> Json:
    trigger, options = _button(told, glossary) if "button" in told else _before(told["before"])
    return {
        "id": named("flow", key),
        "name": glossary.key(told["name"]),
        "icon": told["icon"],
        "color": COLOURS[told["color"]],
        "status": "active",
        "trigger": trigger,
        "accountability": "all",
        "options": options,
    }


def _button(told: Told, glossary: Glossary) -> tuple[str, Json]:
    """Pressed on a page or in a list, and asked about before it does anything."""
    fields = [
        {
            "field": key,
            "type": "text",
            "name": glossary.key(field["name"]),
            "meta": {"interface": field["interface"], "width": "full", "required": True},
        }
        for key, field in told.get("fields", {}).items()
    ]
    return "manual", {
        "collections": [told["button"]["table"]],
        "location": told["button"]["location"],
        "requireSelection": True,
        "requireConfirmation": True,
        "confirmationDescription": glossary.key(told["asks"]),
        "fields": fields,
        "async": False,
        "error_on_reject": True,
    }


def _before(told: Told) -> tuple[str, Json]:
    """What changes what is about to be written."""
    return "event", {"type": "filter", "scope": told["events"], "collections": told["tables"], "return": "$last"}


def _operations(key: str, told: Told) -> list[Json]:
    """Each leads to the next; last comes the first, because it is made when what it leads to is there."""
    steps = [*([_guard(told["roles"])] if "roles" in told else []), *told["does"]]
    ids = [_step(key, number) for number in range(len(steps))]
    operations = [
        {
            "id": id,
            "flow": named("flow", key),
            "key": f"step_{number}",
            "name": f"Step {number}",
            "position_x": 1 + 18 * number,
            "position_y": 1,
            "resolve": next_id,
            **step,
        }
        for number, (id, step, next_id) in enumerate(zip(ids, steps, [*ids[1:], None], strict=True), 1)
    ]
    return operations[::-1]


def _step(flow: str, number: int) -> str:
    return named("operation", f"{flow} {number}")


def _guard(roles: list[str]) -> Json:
    """Whoever may read a table may trigger its flows: who it is for is checked within."""
    those = [{"$accountability": {"role": {"_eq": named("role", role)}}} for role in roles]
    only = {"_or": [*those, {"$accountability": {"admin": {"_eq": True}}}]}
    return {"type": "condition", "options": {"filter": only}}


def _permissions(panel: Panel, role: str) -> Iterator[Json]:
    whole: Json = {"policy": named("policy", role), "action": "read", "fields": ["*"]}
    whole |= {"permissions": None, "validation": None, "presets": None}
    yield from ({**whole, **rule} for rule in OF_DIRECTUS)
    for table in panel.tables.values():
        for action in ("read", *table.may.get(role, ())):
            yield {**whole, "collection": table.key, "action": action}


def _said(glossary: Glossary) -> list[Json]:
    return [
        {"id": named("translation", f"{key} {language}"), "key": key, "language": language, "value": value}
        for key, said in glossary.strings().items()
        for language, value in said.items()
    ]

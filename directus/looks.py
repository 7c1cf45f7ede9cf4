"""How a field looks in Directus: its interface in a form, and its display in a list, by what it is."""

from collections.abc import Callable, Mapping
from typing import Any

from directus.reading import Told, Words
from directus.texts import Glossary, translations

Json = dict[str, Any]
Look = Callable[[Told, Glossary], Json]

COLOURS = {
    "green": "#2ECDA7",
    "blue": "#3399FF",
    "yellow": "#FFC23B",
    "red": "#E35169",
    "grey": "#A2B5CD",
    "violet": "#6644FF",
}
# How a row of another table is named: without buttons that would make one, or choose another.
ONLY_OPEN = {"enableCreate": False, "enableSelect": False, "enableLink": True}


def field(told: Told, sort: int, glossary: Glossary, *, group: str | None = None) -> Json:
    """A field's metadata."""
    look = LOOKS[told["is"]](told, glossary)
    written = bool(told.get("edit") or told.get("new"))
    return {
        "width": "half",
        "special": None,
        "options": None,
        "display": None,
        "display_options": None,
        **look,
        "sort": sort,
        "group": group,
        "readonly": not written,
        "required": bool(told.get("required")),
        "hidden": False,
        "note": glossary.key(told.get("note")),
        "translations": translations(told.get("name", ["ID", "ID"])),
    }


def details(sort: int) -> Json:
    """The metadata of a part of a page that is folded at first."""
    return {
        "interface": "group-detail",
        "special": ["alias", "no-data", "group"],
        "width": "full",
        "sort": sort,
        "options": {"start": "closed", "headerIcon": "more_horiz"},
        "translations": translations(["Details", "Подробности"]),
    }


def rows_of_another(told: Told, sort: int) -> Json:
    """The metadata of a list: the rows of another table that belong to this one."""
    sorted_by: str = told["sort"]
    return {
        "interface": "list-o2m",
        "special": ["o2m"],
        "width": "fill",
        "sort": sort,
        "options": {
            **({"layout": "list", "template": told["shows"]} if "shows" in told else _table(told["columns"])),
            "sort": sorted_by.removeprefix("-"),
            "sortDirection": "-" if sorted_by.startswith("-") else "+",
            "limit": 50,
            "enableCreate": bool(told.get("create")),
            "enableSelect": False,
            "enableSearchFilter": True,
            "enableLink": True,
        },
        "display": "related-values",
        "translations": translations(told["name"]),
    }


def _table(columns: list[str]) -> Json:
    return {"layout": "table", "tableSpacing": "compact", "fields": columns}


def _text(told: Told, glossary: Glossary) -> Json:
    return {"interface": "input"}


def _long(told: Told, glossary: Glossary) -> Json:
    return {"interface": "input-multiline", "width": "full", "display": "formatted-value"}


def _difference(told: Told, glossary: Glossary) -> Json:
    """Lines with + and - in front, as `diff` writes them."""
    options = {"language": "diff", "lineNumber": False, "lineWrapping": True}
    return {"interface": "input-code", "width": "full", "options": options, "display": "formatted-value"}


def _number(told: Told, glossary: Glossary) -> Json:
    unit: str = told.get("unit", "")
    ending = {"suffix": f" {unit}"} if unit else {}
    return {"interface": "input", "display": "formatted-value", "display_options": {"format": True, **ending}}


def _moment(told: Told, glossary: Glossary) -> Json:
    options = {"includeSeconds": True, "use24": True}
    return {
        "interface": "datetime",
        "options": options,
        "display": "datetime",
        "display_options": {"relative": True, "suffix": True},
    }


def _flag(told: Told, glossary: Glossary) -> Json:
    return {"interface": "boolean", "special": ["cast-boolean"], "display": "boolean"}


def _choice(told: Told, glossary: Glossary) -> Json:
    choices, labels = [], []
    for value, (english, russian, colour) in told["choices"].items():
        text = glossary.key([english, russian])
        choices.append({"text": text, "value": value})
        labels.append({"text": text, "value": value, "foreground": "#FFFFFF", "background": COLOURS[colour]})
    return {
        "interface": "select-dropdown",
        "options": {"choices": choices},
        "display": "labels",
        "display_options": {"choices": labels},
    }


def _several(told: Told, glossary: Glossary) -> Json:
    choices = [{"text": glossary.key(words), "value": value} for value, words in told["choices"].items()]
    return {
        "interface": "select-multiple-checkbox",
        "special": ["cast-csv"],
        "width": "full",
        "options": {"choices": choices},
        "display": "labels",
    }


def _words(told: Told, glossary: Glossary) -> Json:
    """A column with an array: see the flow that writes it."""
    return {"interface": "tags", "special": ["cast-csv"], "display": "labels"}


def _json(told: Told, glossary: Glossary) -> Json:
    return {
        "interface": "input-code",
        "special": ["cast-json"],
        "width": "full",
        "options": {"language": "JSON", "lineWrapping": True},
        "display": "formatted-json-value",
    }


def _rows(told: Told, glossary: Glossary) -> Json:
    """A list of small records within one column."""
    columns: Mapping[str, Words] = told["columns"]
    fields = [
        {"field": key, "name": glossary.key(words), "type": "string", "meta": {"interface": "input", "width": "half"}}
        for key, words in columns.items()
    ]
    return {
        "interface": "list",
        "special": ["cast-json"],
        "width": "full",
        "options": {"template": told["shows"], "fields": fields},
        "display": "formatted-json-value",
        "display_options": {"format": told["shows"]},
    }


def _link(told: Told, glossary: Glossary) -> Json:
    template = {"template": told["shows"]}
    return {
        "interface": "select-dropdown-m2o",
        "special": ["m2o"],
        "options": {**template, **({"enableCreate": False} if told.get("new") else ONLY_OPEN)},
        "display": "related-values",
        "display_options": template,
    }


LOOKS: Mapping[str, Look] = {
    "id": _text,
    "text": _text,
    "long": _long,
    "difference": _difference,
    "number": _number,
    "moment": _moment,
    "flag": _flag,
    "choice": _choice,
    "several": _several,
    "words": _words,
    "json": _json,
    "rows": _rows,
    "link": _link,
}

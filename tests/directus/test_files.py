"""The panel's files: they name what is in the models, all of it, in both languages."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from backend.models import Model
from directus.reading import Panel
from directus.wanted import wanted

# What Directus can do with the Core licence: 25 tables, and 5 flows.
MOST_TABLES, MOST_FLOWS = 25, 5


@pytest.mark.parametrize("table", Model.metadata.sorted_tables, ids=lambda table: table.name)
def test_every_column_of_the_models_is_shown_or_kept_back_and_no_other(panel: Panel, table: Any) -> None:
    kept_back = panel.kept_back.get(table.name, [])
    shown = set(panel.tables[table.name].fields) if table.name in panel.tables else set()
    columns = {column.name for column in table.columns}
    if kept_back == "all":
        assert not shown
    else:
        assert shown | set(kept_back) == columns
        assert shown.isdisjoint(kept_back)


def test_it_names_no_table_that_there_is_not(panel: Panel) -> None:
    assert panel.tables.keys() | panel.kept_back.keys() == Model.metadata.tables.keys()


def test_lists_and_templates_name_fields_that_there_are(panel: Panel) -> None:
    for table in panel.tables.values():
        named = [
            *table.told["list"],
            table.told["sort"].removeprefix("-"),
            *table.first,
            *fields_in(table.told["shows"]),
        ]
        for told in table.lists.values():
            many, column = told["of"].split(".")
            assert panel.tables[many].fields[column]["is"] == "link"
            listed = [*told.get("columns", ()), *fields_in(told.get("shows", "")), told["sort"].removeprefix("-")]
            assert set(listed) <= panel.tables[many].fields.keys(), (table.key, told)
        assert set(named) <= table.fields.keys(), table.key


def fields_in(template: str) -> list[str]:
    return [name.split(".")[0] for name in re.findall(r"{{([\w.]+)}}", template)]


def test_choices_are_those_that_the_database_takes(panel: Panel) -> None:
    for table in Model.metadata.sorted_tables:
        if table.name in panel.tables:
            for column, values in checked(table):
                field = panel.tables[table.name].fields[column]
                assert set(field.get("choices", values)) == values, (table.name, column)


def checked(table: Any) -> Iterator[tuple[str, set[str]]]:
    """Columns that may hold only some words, with these."""
    for constraint in table.constraints:
        if one_of := re.fullmatch(r"(\w+) in \(([^()]+)\)", str(getattr(constraint, "sqltext", ""))):
            yield one_of[1], set(re.findall(r"'([^']+)'", one_of[2]))


def test_everything_is_said_in_both_languages(panel: Panel) -> None:
    said = wanted(panel).items["translations"]
    for language, letter in (("en-US", "[A-Za-z]"), ("ru-RU", "[А-Яа-яЁё]")):
        strange = [
            each["value"] for each in said if each["language"] == language and not re.search(letter, each["value"])
        ]
        assert strange == []
    assert len({each["key"] for each in said}) * 2 == len(said) > 100


def test_the_free_licence_takes_it(panel: Panel) -> None:
    assert len(panel.tables) <= MOST_TABLES
    assert len(panel.flows) <= MOST_FLOWS
    assert len(panel.roles) == 2  # and an administrator: three people


def test_dashboards_bookmarks_and_buttons_name_what_there_is(panel: Panel) -> None:
    for dashboard in panel.dashboards.values():
        for told in dashboard["panels"].values():
            options = told["options"]
            names = ("field", "dateField", "valueField", "groupByField", "aggregateField", "xAxis", "yAxis")
            assert {options[name] for name in names if name in options} <= panel.tables[
                options["collection"]
            ].fields.keys()
    for bookmark in panel.bookmarks.values():
        assert (
            set(re.findall(r"'(\w+)': {'_(?:eq|in)'", str(bookmark["filter"])))
            <= panel.tables[bookmark["table"]].fields.keys()
        )
    for flow in panel.flows.values():
        if "button" in flow:
            assert flow["button"]["table"] in panel.tables
            assert set(flow["roles"]) <= panel.roles.keys()

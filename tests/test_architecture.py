"""The house rules that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api.app import create_app
from backend.api.problems import MEDIA_TYPE
from backend.settings import Settings
from telegram_bot.words import ENGLISH, RUSSIAN
from tests.conftest import ROOT

SOURCES = {
    path.relative_to(ROOT): path.read_text()
    for room in ("backend", "telegram_bot", "directus", "tests", "benchmarks")
    for path in (ROOT / room).rglob("*.py")
}
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
ONE_PAGE = Path("backend/models.py")  # the schema, however long it is
VAGUE = {"utils", "helpers", "common", "core", "services", "managers"}
REGISTRIES = re.compile(rb"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|deb\.debian\.org|proxy\.golang\.org")
DOCUMENT = create_app(Settings.model_construct()).openapi()


def test_a_file_can_be_taken_in_at_a_glance() -> None:
    assert [path for path, text in SOURCES.items() if len(text.splitlines()) > LONGEST_FILE] in ([], [ONE_PAGE])


def test_so_can_a_function() -> None:
    assert [(path, name) for path, text in SOURCES.items() for name in long_functions(text)] == []


def long_functions(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            if node.end_lineno - node.lineno >= LONGEST_FUNCTION:
                yield node.name


def test_a_module_says_what_it_is_for() -> None:
    silent = [path for path, text in SOURCES.items() if text and not ast.get_docstring(ast.parse(text))]
    # A conftest says it by its name; a module that holds its package's one class, in that class and the package.
    assert [path for path in silent if path.stem not in ("conftest", path.parent.name)] == []


def test_a_module_has_a_name_that_says_something() -> None:
    assert [path for path in SOURCES if not VAGUE.isdisjoint(path.with_suffix("").parts)] == []


def test_the_bot_has_words_for_the_problems_that_people_may_cause() -> None:
    types = {type for method, path in CAUSED_BY_PEOPLE for type in problems(method, path)}
    assert types
    for words in (RUSSIAN, ENGLISH):
        assert types - words.problems.keys() == NOT_BY_THE_BOT


# It always names the person whose dialogue begins anew.
NOT_BY_THE_BOT = {"/problems/reset-ambiguous"}
CAUSED_BY_PEOPLE = [
    ("post", "/v1/chat/handle"),
    ("post", "/v1/chat/stream"),
    ("post", "/v1/chat/stop"),
    ("post", "/v1/chat/move"),
    ("post", "/v1/chat/reset"),
    ("patch", "/v1/chat/messages"),
    ("post", "/v1/deliveries"),
    ("get", "/v1/sessions/{session_id}/stats"),
    ("get", "/v1/sessions/{session_id}/context"),
    ("post", "/v1/sessions/{session_id}/reopen"),
    ("post", "/v1/attachments"),
    ("post", "/v1/documents"),
    ("get", "/v1/documents/{document_id}"),
    ("post", "/v1/admissions/{code}"),
    ("post", "/v1/runs/{id}/cancel"),
    ("post", "/v1/runs/{id}/steps/{position}/skip"),
    ("get", "/v1/confirmations/{id}"),
    ("post", "/v1/confirmations/{id}/confirm"),
    ("post", "/v1/confirmations/{id}/cancel"),
    ("delete", "/v1/grants/{id}"),
]


def problems(method: str, path: str) -> set[str]:
    """The types that an endpoint tells."""
    responses = DOCUMENT["paths"][path][method]["responses"].values()
    told = [content[MEDIA_TYPE] for response in responses if MEDIA_TYPE in (content := response.get("content", {}))]
    return {example["value"]["type"] for problem in told for example in problem["examples"].values()}


def test_the_bot_expects_no_problem_that_there_is_not() -> None:
    bot = "".join(text for path, text in SOURCES.items() if path.parts[0] == "telegram_bot")
    expected = set(re.findall("/problems/[a-z-]+", bot))
    assert expected
    assert {type for type in expected if f"'{type}'" not in str(DOCUMENT)} == set()


def test_no_file_names_a_package_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("only a checkout knows which files are the project's")
    files = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    assert [file for file in files if file.is_file() and REGISTRIES.search(file.read_bytes())] == []


# Seconds to import, and of no use to who only answers requests or types a command.
HEAVY = {"pydantic_ai", "mcp", "playwright"}
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print(*{module.partition(".")[0] for module in sys.modules})
"""


def test_only_the_worker_loads_what_agents_need() -> None:
    command = [sys.executable, "-c", IMPORT_ALL, "backend.api", "backend.cli"]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()
    assert "fastapi" in loaded
    assert HEAVY & {*loaded} == set()

"""What docs/extending.md shows can be typed as it stands."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from backend.bootstrap import Backend
from tests.backend.agents.skills.hands import Hands
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text()
SKILL, _, TESTS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
BODIES: list[dict[str, Any]] = [json.loads(body) for body in re.findall(r"```sh\n.*? -d '(.*?)'\n```", PAGE, re.S)]


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hands:
    diary = ModuleType("backend.agents.skills.diary")
    monkeypatch.setitem(sys.modules, diary.__name__, diary)
    exec(SKILL, diary.__dict__)
    return Hands(tmp_path, diary.__dict__["DiaryAdd"]())


async def test_its_skill_passes_its_tests(hands: Hands) -> None:
    typed: dict[str, Any] = {}
    exec(TESTS, typed)
    tests = [test for name, test in typed.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        await test(hands)


async def test_its_agent_and_its_macros_are_accepted(backend: Backend) -> None:
    agent, plan, template = BODIES
    await backend.gateway.agents.add(agent)
    for macro in (plan, template):
        assert (await backend.gateway.macros.add(macro))["missing_agents"] == []

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest

from backend.agents.skills.sandbox import Kind, Sandbox
from backend.agents.skills.sandbox.kinds import works
from backend.agents.skills.workspace import workspace_of

HERE = [kind for kind in (Kind.BUBBLEWRAP, Kind.LANDLOCK) if works(kind)]


@pytest.fixture
def workspace() -> Iterator[Path]:
    """Of a person. Programs are not root, and may not be able to enter where pytest keeps its folders."""
    with TemporaryDirectory(prefix="workspaces-") as root:
        yield workspace_of(Path(root), UUID(int=1))


@pytest.fixture(params=HERE or [Kind.NONE])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Of each kind that works on this machine."""
    if request.param is Kind.NONE:
        pytest.skip("neither bubblewrap nor Landlock works here")
    return Sandbox(request.param)

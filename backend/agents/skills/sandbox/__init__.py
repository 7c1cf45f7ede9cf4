"""Programs are run for people here: seeing the workspace and the system's programs, and nothing else."""

from backend.agents.skills.sandbox.kinds import Kind, examine, kind_here
from backend.agents.skills.sandbox.rooms import Bounds, NotInstalled, Room
from backend.agents.skills.sandbox.sandbox import Ended, Sandbox

__all__ = ["Bounds", "Ended", "Kind", "NotInstalled", "Room", "Sandbox", "examine", "kind_here"]

"""The console at `/`: how everything is, a chat to try it with, what was said, and how it is set up."""

from backend.api.console.console import Console as Console
from backend.api.console.routes import router as router

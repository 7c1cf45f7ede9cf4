"""`python -m backend.cli`: the same as `llmbot`."""

from backend.cli import main

main()

"""How long to wait before trying again."""

from collections.abc import Iterator


def growing_pauses(longest: float, first: float = 1.0) -> Iterator[float]:
    """Each one twice as long as the one before, in seconds."""
    pause = first
    while True:
        yield pause
        pause = min(2 * pause, longest)

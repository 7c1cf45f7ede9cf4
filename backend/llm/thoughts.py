"""Takes a model's thinking out of its answer, also while the answer is still being written."""

import re

OPEN, CLOSE = re.compile(r"<think(?:ing)?>", re.I), re.compile(r"</think(?:ing)?>", re.I)
LONGEST_TAG = len("</thinking>")


class ThoughtFilter:
    """Fed with pieces of an answer, returns what people may see of them.

    A piece that may be the beginning of a tag is held back until the rest of it has come.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False

    def feed(self, piece: str) -> str:
        self._held += piece
        visible = ""
        while tag := (CLOSE if self._thinking else OPEN).search(self._held):
            visible += "" if self._thinking else self._held[: tag.start()]
            self._held = self._held[tag.end() :]
            self._thinking = not self._thinking
        safe = len(self._held) - _beginning_of_a_tag(self._held)
        visible += "" if self._thinking else self._held[:safe]
        self._held = self._held[safe:]
        return visible

    def finish(self) -> str:
        """The rest; a thought that was never closed stays one."""
        return "" if self._thinking else self._held


def without_thoughts(text: str) -> str:
    """The whole answer without its thinking; some models leave the opening tag out."""
    first = CLOSE.search(text)
    if first and not OPEN.search(text, 0, first.start()):
        text = text[first.end() :]
    thoughts = ThoughtFilter()
    return (thoughts.feed(text) + thoughts.finish()).strip()


def _beginning_of_a_tag(text: str) -> int:
    """The length of the end of `text` that could still become a tag."""
    start = text.rfind("<", -LONGEST_TAG)
    if start < 0:
        return 0
    end = text[start:].lower()
    return len(end) if any(tag.startswith(end) for tag in ("<thinking>", "</thinking>", "<think>", "</think>")) else 0

"""Takes a model's thinking out of its answer, also while the answer is still being written."""

import re

FENCE = "```"
TAG = "/?think(?:ing)?>"
TAGS = ("think>", "thinking>", "/think>", "/thinking>")


def _beginning_of(*texts: str) -> str:
    """Matches an end of the input that could still become one of the texts."""
    beginnings = {text[:length] for text in texts for length in range(len(text))}
    return rf"({'|'.join(map(re.escape, sorted(beginnings, reverse=True)))})\Z"


# A fence, a quoted tag or a tag. Both begin with plain characters: so the search skips what cannot be a mark.
MARK = re.compile(rf"`(?:``|<{TAG}`)|<{TAG}", re.I)
MARK_OR_BEGINNING = re.compile(
    rf"`(?:``|<{TAG}`|{_beginning_of('``', *(f'<{tag}`' for tag in TAGS))})|<(?:{TAG}|{_beginning_of(*TAGS)})", re.I
)


class ThoughtFilter:
    """Fed with pieces of an answer, returns what people may see of them; `text` is the answer without its thoughts.

    A thought stands between `<think>` and `</think>`, or is never closed. Some models leave the opening tag out: then
    all before the closing one is a thought. Tags in code or in backticks are spoken of, not meant.
    However an answer is cut into pieces, `text` ends up the same, without space around it.
    """

    def __init__(self, *, patient: bool = False) -> None:
        """A patient filter shows nothing before the first tag or the end: until then all of it may be a thought."""
        self._announced: bool | None = None  # whether the first thought had an opening tag; None: no thought so far
        self._patient = patient
        self._thinking = self._in_code = False
        self._inner = 0  # opening tags inside the present thought: spoken of, or with closing ones of their own
        self._unread = ""  # may be the beginning of a mark
        self._unsure = ""  # written while patient
        self._space = ""  # shown once something follows
        self._shown: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._shown)

    @property
    def unannounced(self) -> bool:
        """Whether a thought came without its opening tag."""
        return self._announced is False

    def feed(self, piece: str) -> str:
        return self._read(self._unread + piece, MARK_OR_BEGINNING)

    def finish(self) -> str:
        """The rest; a thought that was never closed stays one."""
        return self._read(self._unread, MARK) + self._release()

    def _read(self, text: str, marks: re.Pattern[str]) -> str:
        self._unread = ready = ""
        start = 0
        for mark in marks.finditer(text):
            ready += self._write(text[start : mark.start()])
            if mark.lastindex:
                self._unread = mark[0]
            else:
                ready += self._inside(mark[0]) if self._thinking else self._outside(mark[0])
            start = mark.end()
        return ready + self._write(text[start:])

    def _inside(self, mark: str) -> str:
        if mark.startswith("</"):
            self._thinking = False
            self._close()
        elif mark.startswith("<"):
            self._inner += 1
        return ""

    def _outside(self, mark: str) -> str:
        if mark == FENCE:
            self._in_code = not self._in_code
        if mark.startswith("`") or self._in_code:
            return self._write(mark)
        if not mark.startswith("</"):
            self._announced = self._announced is not False
            self._thinking, self._inner = True, 0
            return self._release()
        if self._announced is not None and not self._patient:
            return self._write(mark)
        self._take_back()
        self._close()
        return ""

    def _close(self) -> None:
        """After a thought that had opening tags inside, what follows may still belong to it."""
        self._patient = self._inner > 0
        self._inner = max(0, self._inner - 1)

    def _take_back(self) -> None:
        """What was written before this closing tag was a thought."""
        self._unsure = ""
        if self._announced is None:
            self._announced = False
            self._shown.clear()

    def _release(self) -> str:
        self._patient, unsure, self._unsure = False, self._unsure, ""
        return self._show(unsure)

    def _write(self, text: str) -> str:
        if self._thinking:
            return ""
        if self._patient:
            self._unsure += text
            return ""
        return self._show(text)

    def _show(self, text: str) -> str:
        text = self._space + text if self._shown else text.lstrip()
        shown = text.rstrip()
        self._space = text[len(shown) :]
        if shown:
            self._shown.append(shown)
        return shown

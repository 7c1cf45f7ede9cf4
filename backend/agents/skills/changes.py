"""What would become of a file, as a person is asked about it."""

from dataclasses import dataclass
from difflib import unified_diff
from hashlib import sha256

# Above, what is compared might take minutes; the file is shown as removed and written anew.
MOST_COMPARED = 2_000

TITLES = {
    "ru": ("Создать файл {path}", "Изменить файл {path}"),
    "en": ("Create the file {path}", "Change the file {path}"),
}
BINARY = "(it was not text)"
NO_NEWLINE = "(no newline at the end)"


@dataclass(frozen=True, slots=True)
class Change:
    """A file `before` (None: there is none) and `after`."""

    path: str
    before: bytes | None
    after: bytes

    def title(self, language: str) -> str:
        created, changed = TITLES["ru" if language.lower().startswith("ru") else "en"]
        return (created if self.before is None else changed).format(path=self.path)


def difference(change: Change) -> str:
    """A unified diff; it ends with a digest of what the file was, so that it is another one for another file."""
    before, after = _lines(change.before or b""), _lines(change.after)
    old = "/dev/null" if change.before is None else f"a/{change.path}"
    if max(len(before), len(after)) <= MOST_COMPARED:
        lines = list(unified_diff(before, after, old, f"b/{change.path}", lineterm=""))
    else:
        lines = [
            f"--- {old}",
            f"+++ b/{change.path}",
            *(f"-{line}" for line in before),
            *(f"+{line}" for line in after),
        ]
    was = "" if change.before is None else f"\n\nsha256 before: {sha256(change.before).hexdigest()}"
    return "\n".join(lines or ["(nothing changes)"]) + was


def _lines(content: bytes) -> list[str]:
    """With what a terminal or a screen would not show as it is made visible."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return [BINARY]
    *lines, rest = text.split("\n")
    return [*map(_shown, lines), *([_shown(rest), NO_NEWLINE] if rest else [])]


def _shown(line: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else f"\\u{ord(c):04x}" for c in line)

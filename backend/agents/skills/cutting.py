"""What a skill says is short enough for a model, or says that it was cut."""

MOST_OUTPUT = 64 << 10


def cut(text: str, most: int) -> tuple[str, bool]:
    """At most so many bytes of it, with a note if that is not all; and whether it is."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most:
        return text, True
    return f"{encoded[:most].decode(errors='ignore')}\n… cut here: this is the first {most >> 10} KiB", False

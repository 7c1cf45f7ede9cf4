"""What some models want to stand before a text, so that they know a question from a passage."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prefixes:
    question: str = ""
    passage: str = ""


# By a part of the model's name, as the cards of these models tell them.
KNOWN = {
    "e5-small": Prefixes("query: ", "passage: "),
    "e5-base": Prefixes("query: ", "passage: "),
    "e5-large": Prefixes("query: ", "passage: "),
    "nomic-embed-text": Prefixes("search_query: ", "search_document: "),
}


def prefixes_of(model: str) -> Prefixes:
    """E5 that was trained on instructions takes passages as they are, so it wants nothing here."""
    name = model.lower()
    if "instruct" in name:
        return Prefixes()
    return next((prefixes for part, prefixes in KNOWN.items() if part in name), Prefixes())


def prepared(text: str, prefix: str, longest: int) -> str:
    """What a model is given for a text: its beginning, with no halves of characters, which cannot be written."""
    return prefix + text[:longest].encode(errors="replace").decode()

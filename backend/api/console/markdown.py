"""What models write, as HTML: their Markdown, and nothing that could do anything or load anything."""

from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

# The page has headings of its own; those of an answer stand below them.
HEADINGS = {"h1": "h4", "h2": "h5", "h3": "h6", "h4": "h6", "h5": "h6"}


def as_html(text: str) -> Markup:
    """HTML that they write themselves is shown as text; a picture is shown as a link."""
    return Markup(_parser().render(text))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.disable("image")
    parser.core.ruler.push("tame", _tame)
    return parser


def _tame(state: StateCore) -> None:
    for token in _all(state.tokens):
        token.tag = HEADINGS.get(token.tag, token.tag)
        if align := token.attrs.pop("style", ""):  # our pages allow no styles of their own
            token.attrSet("class", str(align).replace("text-align:", "to-"))
        if token.type == "link_open":
            token.attrSet("rel", "noreferrer noopener")
            token.attrSet("target", "_blank")


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])

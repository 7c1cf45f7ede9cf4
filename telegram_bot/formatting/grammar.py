"""The Markdown that models write: CommonMark with tables, strikethrough, spoilers and formulas, without HTML."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit, getLine, table
from markdown_it.rules_inline import StateInline

from telegram_bot.formatting.formulas import find_formula, find_formula_block

DEEPEST = 60  # levels of nesting; the parser leaves out what lies deeper

_WEB = re.compile(
    r"https?://(?:[^\s/?#@]*@)?(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:[/?#]\S*)?", re.I
)
_OTHER_LINK = re.compile(r"(?:tg://\S|mailto:[^\s@]+@[^\s@])\S*", re.I)
_BREAK = re.compile(r"<br\s*/?>", re.I)
# An address ends where markup around it may; an underscore is a part of it.
_REST_OF_ADDRESS = re.compile(r"://(?:[^\s<>\"`|*\\\[\]~]|\*(?=\w)|~(?!~))+")
_SCHEME = re.compile(r"(?<!\w)(?:https?|ftp|tg)\Z", re.I)
_NAME = re.compile(r"[A-Za-z0-9_]+")
_NAME_WITH_UNDERSCORES = re.compile(r"_*(?:[A-Za-z0-9]+_+)+[A-Za-z0-9]+_*|__[a-z0-9]+__")
_STARS = re.compile(r"\*+")
# What stands before and after stars that multiply, or stand for everything: 2*x, f(x)*(y), *.py, count(*), t.*
_NO_EMPHASIS = re.compile(r"[A-Za-z0-9)\]][A-Za-z0-9(\[].?|.?\.[a-z]|[(.][),;\s].?", re.S)
_SPOILER = re.compile(r"\|\|(?![\s|])(.{1,2000}?)(?<![\s|])\|\|(?![\w|])", re.S)


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  the library's name
        """Whether Telegram accepts the address; otherwise the link stays the text that it is."""
        return bool(_WEB.fullmatch(url) or _OTHER_LINK.fullmatch(url))

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802  the library's name
        return link


def make_parser() -> MarkdownIt:
    """The parser. Headings underlined with dashes are left out: models mean a divider."""
    parser = _Parser("commonmark", {"html": False, "maxNesting": DEEPEST})
    parser.enable("strikethrough").disable(["html_block", "html_inline", "lheading", "reference"])
    parser.block.ruler.before("fence", "formula", find_formula_block, {"alt": ["paragraph", "blockquote", "list"]})
    parser.block.ruler.before("paragraph", "table", _table_of_all_cells, {"alt": ["paragraph"]})
    parser.block.ruler.before("paragraph", "end of table", _ends_table, {"alt": ["blockquote"]})
    parser.inline.add_terminator_char("|")
    parser.inline.ruler.before("escape", "formula", find_formula)
    parser.inline.ruler.before("emphasis", "literal", _find_literal)
    parser.inline.ruler.before("emphasis", "spoiler", _find_spoiler)
    parser.inline.ruler.before("autolink", "break", _find_break)
    return parser


def _table_of_all_cells(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """GitHub leaves out the cells beyond the header's; here they stay, in the last column."""
    first = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    width = sum(token.type == "th_open" for token in state.tokens[first:])
    last = None
    for token in state.tokens[first:]:
        if token.type == "inline":
            last = token
        elif token.type == "tr_close" and last and last.map:
            cells = escapedSplit(getLine(state, last.map[0]).strip())
            cells = [cell.strip() for cell in cells[not cells[0] :]]
            if any(more := cells[width:]):
                last.content = " | ".join([last.content, *more]).rstrip("| ")
    return True


def _ends_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """GitHub takes whatever follows for a row; here, beneath a header between bars, only what begins with one."""
    if not silent or state.parentType != "table" or getLine(state, start).startswith("|"):
        return False
    header = next(token.map[0] for token in reversed(state.tokens) if token.type == "table_open" and token.map)
    return getLine(state, header).startswith("|")


def _find_literal(state: StateInline, silent: bool) -> bool:
    """What looks like markup and is none: an address, `__init__`, the stars of 2*3*4."""
    source, start = state.src, state.pos
    match source[start]:
        case ":" if source.startswith("://", start) and _SCHEME.search(source, max(0, start - 6), start):
            found = _REST_OF_ADDRESS.match(source, start, state.posMax)
            length = len(found[0].rstrip("_.,;:!?")) if found else 0
        case "_" if found := _name_around(source, start, state.posMax):
            length = found.end() - start
        case "*" if not silent:
            length = _literal_stars(state)
        case _:
            return False
    if length and not silent:
        state.append_pending(source[start : start + length])
    state.pos += length
    return length > 0


def _name_around(source: str, place: int, end: int) -> re.Match[str] | None:
    """The name that an underscore is a part of, such as snake_case, _private_name or __init__."""
    start = place
    while start and (source[start - 1] == "_" or (source[start - 1].isascii() and source[start - 1].isalnum())):
        start -= 1
    found = _NAME.match(source, start, end)
    return found if found and _NAME_WITH_UNDERSCORES.fullmatch(found[0]) else None


def _literal_stars(state: StateInline) -> int:
    """How many stars here are no emphasis; as long as one is waiting for its end, none."""
    found = _STARS.match(state.src, state.pos, state.posMax)
    assert found
    around = (state.src[found.start() - 1 : found.start()] or " ") + (state.src[found.end() : found.end() + 2] or " ")
    if not _NO_EMPHASIS.fullmatch(around):
        return 0
    waiting = sum(delimiter.open - delimiter.close for delimiter in state.delimiters if delimiter.marker == ord("*"))
    return 0 if waiting > 0 else len(found[0])


def _find_spoiler(state: StateInline, silent: bool) -> bool:
    start, end = state.pos, state.posMax
    if start and (state.src[start - 1].isalnum() or state.src[start - 1] == "|"):
        return False
    if not (found := _SPOILER.match(state.src, start, end)):
        return False
    if not silent:
        state.push("spoiler_open", "spoiler", 1)
        state.pos, state.posMax = found.span(1)
        state.md.inline.tokenize(state)
        state.push("spoiler_close", "spoiler", -1)
    state.pos, state.posMax = found.end(), end
    return True


def _find_break(state: StateInline, silent: bool) -> bool:
    if not (found := _BREAK.match(state.src, state.pos, state.posMax)):
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True

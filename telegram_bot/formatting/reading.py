"""Reads Markdown into blocks."""

import re
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from telegram_bot.formatting.blocks import (
    Block,
    Code,
    Divider,
    Formula,
    Heading,
    Item,
    Listing,
    Paragraph,
    Placed,
    Quote,
    Run,
    Runs,
    Style,
    Styles,
    Table,
    plain,
)
from telegram_bot.formatting.cleaning import clean
from telegram_bot.formatting.grammar import DEEPEST, make_parser

_STYLES = {"strong": "bold", "em": "italic", "s": "strikethrough", "spoiler": "spoiler"}
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#./-]{1,40}")
_BOX = re.compile(r"\[([ xX])\] +(?=\S)")

_parser = cache(make_parser)


def read(markdown: str) -> tuple[Placed, ...]:
    """The blocks of a text that is clean."""
    parser: MarkdownIt = _parser()
    tokens = parser.parse(markdown)
    if any(token.nesting == 1 and token.level >= DEEPEST - 1 for token in tokens):
        return (Placed(Paragraph((Run(markdown),)), False),)
    return _Reader(markdown.split("\n")).blocks(SyntaxTreeNode(tokens))


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def blocks(self, parent: SyntaxTreeNode) -> tuple[Placed, ...]:
        return tuple(
            Placed(block, self._apart(node) or (type(block) in (Heading, Divider) and bool(node.level == 0)))
            for node in parent.children
            for block in self._blocks_of(node)
        )

    def _apart(self, node: SyntaxTreeNode) -> bool:
        """Whether the line before is empty, but for the marks of quotes."""
        line = node.map[0] if node.map else 0
        return line > 0 and not self._lines[line - 1].strip("> \t")

    def _blocks_of(self, node: SyntaxTreeNode) -> Iterator[Block]:
        match node.type:
            case "heading":
                yield Heading(_runs(node), int(node.tag[1]))
            case "fence" | "code_block":
                yield from _code(node)
            case "formula_block":
                yield Formula(node.content)
            case "hr":
                yield Divider()
            case "blockquote":
                yield Quote(self.blocks(node))
            case "bullet_list" | "ordered_list":
                yield Listing(self._items(node))
            case "table":
                yield _table(node)
            case _:
                yield Paragraph(_runs(node))

    def _items(self, node: SyntaxTreeNode) -> tuple[Item, ...]:
        numbers = [item.info for item in node.children]
        if len(set(numbers)) == 1 and numbers[0]:  # all the same: the author lets the list count
            first = int(numbers[0])
            numbers = [str(number) for number in range(first, first + len(numbers))]
        return tuple(
            _ticked(number and number + item.markup, self.blocks(item), self._apart(item))
            for number, item in zip(numbers, node.children, strict=True)
        )


def _ticked(number: str, blocks: tuple[Placed, ...], apart: bool) -> Item:
    match blocks:
        case (Placed(Paragraph((Run(text), *others)), after), *rest) if box := _BOX.match(text):
            first = Placed(Paragraph((Run(text[box.end() :]), *others)), after)
            return Item(number, box[1] != " ", (first, *rest), apart)
        case _:
            return Item(number, None, blocks, apart)


def _code(node: SyntaxTreeNode) -> Iterator[Block]:
    """Whatever else stands on the line that opens a block of code is text before it."""
    text = node.content.rstrip()
    language, _, more = node.info.strip().partition(" ")
    if not text or not _LANGUAGE.fullmatch(language) or len(more.split()) > 2:
        language, more = "", node.info.strip()
    if more := clean(more).strip():
        yield Paragraph((Run(more),))
    if text:
        yield Code("\n".join(line.expandtabs(4) for line in text.split("\n")), language.lower())


def _table(node: SyntaxTreeNode) -> Table:
    rows = [row for part in node.children for row in part.children]
    aligns = tuple(str(cell.attrs.get("style", "")).removeprefix("text-align:") or "left" for cell in rows[0].children)
    return Table(tuple(tuple(map(_runs, row.children)) for row in rows), aligns)


def _runs(node: SyntaxTreeNode) -> Runs:
    return tuple(run for run in _inline(node, ()) if run.text)


def _inline(node: SyntaxTreeNode, styles: Styles) -> Iterator[Run]:
    for child in node.children:
        match child.type:
            case "softbreak" | "hardbreak":
                yield Run("\n", styles)
            case "code_inline":
                yield Run(child.content, (*styles, Style("code")))
            case "formula":
                yield Run(child.content, (*styles, Style("formula")))
            case "link" | "image":
                yield from _link(child, styles)
            case "strong" | "em" | "s" | "spoiler":
                yield from _inline(child, _with(styles, _STYLES[child.type]))
            case "inline":
                yield from _inline(child, styles)
            case _:
                yield Run(clean(child.content).replace("\t", " "), styles)


def _with(styles: Styles, kind: str) -> Styles:
    return styles if any(style.kind == kind for style in styles) else (*styles, Style(kind))


def _link(node: SyntaxTreeNode, styles: Styles) -> Iterator[Run]:
    """A link to write a letter is the address itself: Telegram makes it one, and accepts no other."""
    url = str(node.attrs.get("href") or node.attrs.get("src") or "")
    linked = any(style.kind == "link" for style in styles)
    inner = styles if linked or not url or url.lower().startswith("mailto:") else (*styles, Style("link", url))
    runs = list(_inline(node, inner))
    if not plain(tuple(runs)).strip():
        runs = [Run(url, inner)]
    yield from runs
    more = [clean(str(title)) for title in [node.attrs.get("title")] if title]
    if inner is styles and not linked and (address := url[len("mailto:") :]) not in plain(tuple(runs)):
        more.insert(0, address)
    yield from (Run(f" ({text})", styles) for text in more)

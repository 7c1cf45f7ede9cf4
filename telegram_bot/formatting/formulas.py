"""Finds formulas as models write them: $…$, $$…$$, \\(…\\) and \\[…\\]."""

import re

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

# A dollar is money where a space follows the first one or precedes the second, or a letter or digit stands outside:
# https://pandoc.org/MANUAL.html#extension-tex_math_dollars
_INLINE = re.compile(
    r"\$\$(?P<display>[^$]{1,4000}?)\$\$"
    r"|(?<![\w$\\])\$(?P<dollars>(?!\s)(?:[^$\\]|\\.){1,1000}?(?<!\s))\$(?![\w$])"
    r"|\\\((?P<round>.{1,1000}?)\\\)"
    r"|\\\[(?P<square>.{1,4000}?)\\\]",
    re.S,
)
MOST_LINES = 100  # of one formula: where its end is missing, not all of a long text is searched again and again
_MATHEMATICAL = re.compile(r"[\\^_=+*/<>{}|-]")
_CLOSINGS = {"$$": re.compile(r"\$\$(?P<after>[.,;:!?]?)$"), "\\[": re.compile(r"\\\](?P<after>[.,;:!?]?)$")}


def find_formula(state: StateInline, silent: bool) -> bool:
    """A rule of the inline parser."""
    if state.src[state.pos] not in "$\\" or not (found := _INLINE.match(state.src, state.pos, state.posMax)):
        return False
    assert found.lastgroup
    source = found[found.lastgroup].strip()
    prose = found.lastgroup == "dollars" and " " in source and not _MATHEMATICAL.search(source)
    if prose or not source:
        return False
    if not silent:
        state.push("formula", "", 0).content = source
    state.pos = found.end()
    return True


def find_formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A rule of the block parser: what stands on lines of its own, because it may look like other markup."""
    first = _line(state, start)
    opening = first[:2]
    if opening not in _CLOSINGS or state.is_code_block(start):
        return False
    lines = [first[2:]]
    while not (closing := _CLOSINGS[opening].search(lines[-1])):
        after = start + len(lines)
        if after >= min(end, start + MOST_LINES) or state.sCount[after] < state.blkIndent:
            return False
        lines.append(_line(state, after))
    source = "\n".join([*lines[:-1], lines[-1][: closing.start()]]).strip() + closing["after"]
    if opening in source or not source:
        return False
    if not silent:
        token = state.push("formula_block", "", 0)
        token.content = source
        token.map = [start, start + len(lines)]
        state.line = start + len(lines)
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()

"""Counts tokens: by tiktoken where its encoding is at hand, else by an estimate that errs upwards."""

import os
import re
import tempfile
from functools import cache
from hashlib import sha1, sha256
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

# Where tiktoken finds `o200k_base` and what must be there; in its cache the file is named after the address.
RANKS_URL = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
RANKS_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"

# tiktoken panics on a million blanks; each cut costs a token or two.
LONGEST_PIECE = 100_000


def count_tokens(text: str) -> int:
    """How many tokens a model reads in the text, without the frame that chat formats put around a message."""
    encoding = _encoding()
    return count_exactly(encoding, text) if encoding else estimate_tokens(text)


def count_exactly(encoding: "Encoding", text: str) -> int:
    """How many tokens the encoding makes of the text; what looks like a special token is plain text."""
    starts = range(0, len(text), LONGEST_PIECE)
    return sum(len(encoding.encode_ordinary(text[start : start + LONGEST_PIECE])) for start in starts)


def encoding_at_hand() -> "Encoding | None":
    """`o200k_base` from tiktoken's cache; None if it is not there whole, since tiktoken would download it."""
    default = os.path.join(tempfile.gettempdir(), "data-gym-cache")
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR", default))
    if not folder:  # this is how tiktoken's cache is turned off
        return None
    try:
        ranks = Path(folder, sha1(RANKS_URL.encode(), usedforsecurity=False).hexdigest()).read_bytes()
    except OSError:
        return None
    if sha256(ranks).hexdigest() != RANKS_SHA256:
        return None
    import tiktoken  # noqa: PLC0415  # 5 MB that are of use only now

    return tiktoken.get_encoding("o200k_base")


_encoding = cache(encoding_at_hand)


def estimate_tokens(text: str) -> int:
    """About as many tokens as `o200k_base` makes of the text: hardly ever below 0.9 of them, never above its bytes.

    Every character has a price; words, numbers and heaps of consonants cost extra, and words that every
    tokenizer knows cost less. The prices were fitted by linear programming to 30,000 texts of 100 languages and
    many kinds, as the lowest that keep the promise; of 13,000 other texts 1 in 600 fell short, to 0.8 at worst.
    Ordinary English and Russian prose is counted a fifth too high, code and other languages by a third to a half.
    Text composed against these rules can count for a quarter. Older encodings make more of other alphabets than
    Latin: `cl100k_base` makes 1.6 times as many tokens of Russian.
    """
    words = text.split()
    price = (
        _PER_TEXT
        + _PER_WORD * len(words)
        + _PER_COMMON_WORD * sum(map(_COMMON_WORDS.__contains__, words))
        + _PER_NUMBER * len(_NUMBER.findall(text))
        + _PER_HEAP * len(_HEAP.findall(text))
        + sum(map(_PRICES.__getitem__, text))
    )
    # A laugh or a drawl repeats a few characters, and there is hardly a token for that.
    at_least = len(text) if len(set(text)) <= 4 else len(words)
    return min(max(ceil(price), at_least), len(text.encode("utf-8", "surrogatepass")))


class _Prices(dict[str, float]):
    def __missing__(self, char: str) -> float:
        """A character is never more tokens than its bytes."""
        return len(char.encode("utf-8", "surrogatepass"))


def _span(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


def _everyday(charset: str, first: int, last: int) -> str:
    """Rows of a national standard: those for Han and Hangul begin with the characters of everyday use."""
    cells = (bytes((row, cell)) for row in range(first, last + 1) for cell in range(0xA1, 0xFF))
    return "".join(cell.decode(charset, "ignore") for cell in cells)


_PER_TEXT = 1.5
_PER_WORD = 0.25
_PER_NUMBER = 1.8
_PER_HEAP = 1.6
_PER_COMMON_WORD = -0.6

_NUMBER = re.compile(r"[0-9]{1,3}|\s\s(?=[0-9])")  # or the margin of a column of them
_HEAP = re.compile("[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZбвгджзйклмнпрстфхцчшщ]{4}")
_COMMON = """
the and that you for was with are have not but this from they his her she all had one will there their
what when your can would who which more about out them then could our been has him into only other some
than like over just people now know time good after first two also see make how any here these where
before much very think want because most well even way need please back may should its did get were too
что как это для так все его она они мне был уже или если когда меня тебя только ещё еще вот нет есть
было быть будет чтобы даже может где там тут без при под над после потом очень можно нужно надо себя
этого того чем кто время день просто почему потому сейчас теперь больше тоже них нас вас вам нам была
были сегодня завтра который этот один два раз
"""
_COMMON_WORDS = frozenset(_COMMON.split())

# What comes later takes precedence.
_PRICES = _Prices(
    (char, price)
    for price, chars in (
        (0.0, "0123456789"),
        (0.08, " "),
        (0.7, "\n\t\r"),
        (0.55, "\"',-./:_"),
        (0.9, "!#$%&()*+;<=>?@[\\]^`{|}~"),
        (0.6, "–—‘’“”„…•«»№°§€£·×→←│─，。、！？：；（）「」『』【】《》・"),
        (0.26, _span(0x61, 0x7A)),  # Latin
        (0.45, "kwy"),
        (1.05, "jqxz"),
        (0.48, _span(0x41, 0x5A)),
        (1.4, _span(0xC0, 0xFF)),
        (1.7, _span(0x100, 0x24F)),
        (0.6, "ƠơƯư" + _span(0x1EA0, 0x1EF9)),  # Vietnamese
        (2.8, _span(0x300, 0x36F)),  # combining marks: they cut a word in two
        (2.2, _span(0x400, 0x45F) + _span(0x490, 0x4FF)),  # Cyrillic of other languages than Russian
        (1.0, _span(0x410, 0x42F) + "Ёё"),
        (0.28, _span(0x430, 0x44F)),
        (0.6, "гжцчшщыю"),
        (1.5, "фх"),
        (3.5, "эъ"),
        (0.4, _span(0x531, 0x587) + _span(0x10D0, 0x10FA)),  # Armenian, Georgian
        (0.4, _span(0x621, 0x63A) + _span(0x640, 0x64A)),  # Arabic
        (1.0, _span(0x66E, 0x6D3)),  # Persian, Urdu
        (0.5, _span(0x5D0, 0x5EA) + _span(0xE01, 0xE4E)),  # Hebrew, Thai
        (0.6, _span(0x386, 0x3CE) + _span(0x3041, 0x30FE)),  # Greek, Kana
        (0.6, _span(0x900, 0x9FF) + _span(0xA80, 0xAFF) + _span(0xB80, 0xD7F)),  # the larger scripts of India
        (0.8, _span(0xA00, 0xA7F) + _span(0xB00, 0xB7F) + _span(0xD80, 0xDFF)),  # the smaller ones, Sinhala
        (0.8, _span(0x1000, 0x109F) + _span(0x1780, 0x17FF)),  # Burmese, Khmer
        (1.4, _everyday("gb2312", 0xB0, 0xD7) + _everyday("euc_jp", 0xB0, 0xCF)),  # Han
        (1.0, _everyday("euc_kr", 0xB0, 0xC8)),  # Hangul
        (2.2, "\u200d\ufe0f" + _span(0x2600, 0x27BF) + _span(0x1F300, 0x1F6FF) + _span(0x1F900, 0x1F9FF)),  # emoji
    )
    for char in chars
)

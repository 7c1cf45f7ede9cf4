"""How many tokens a text is: exactly where tiktoken's ranks are at hand, about so everywhere else."""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

import pytest
import tiktoken
from tiktoken import registry

from backend.llm import tokens

# Texts of each kind, each with its tokens by o200k_base and by cl100k_base, counted by tiktoken 0.14.
SAMPLES: dict[str, list[tuple[str, int, int]]] = json.loads(
    Path(__file__).with_name("token_samples.json").read_text("utf-8")
)
# Read now: the tests' environment is cleared.
CACHE = os.environ.get("TIKTOKEN_CACHE_DIR") or str(Path(tempfile.gettempdir(), "data-gym-cache"))
COMPOSED = "composed against the estimate"
ORDINARY = sorted(SAMPLES.keys() - {COMPOSED})


def short_of(share: float, kinds: list[str], column: int) -> Iterator[tuple[str, int, int]]:
    """The texts whose estimate is less than this share of their count, with estimate and count."""
    for kind in kinds:
        for sample in SAMPLES[kind]:
            estimate, count = tokens.estimate_tokens(sample[0]), (sample[1], sample[2])[column]
            if estimate < share * count:
                yield sample[0], estimate, count


def overcount(kind: str) -> float:
    estimates = sum(tokens.estimate_tokens(text) for text, _, _ in SAMPLES[kind])
    return estimates / sum(count for _, count, _ in SAMPLES[kind])


@pytest.mark.parametrize("kind", ORDINARY)
def test_the_estimate_is_never_below_nine_tenths_of_the_truth(kind: str) -> None:
    assert not list(short_of(0.9, [kind], column=0))


@pytest.mark.parametrize("kind", ["english prose", "english chat", "json", "log", "table", "url", "uuid", "hex"])
def test_what_is_english_or_made_by_machines_is_safe_for_older_encodings_too(kind: str) -> None:
    assert not list(short_of(0.9, [kind], column=1))


def test_text_composed_against_the_estimate_still_counts_for_a_quarter() -> None:
    assert list(short_of(0.9, [COMPOSED], column=0))
    assert not list(short_of(0.25, [COMPOSED], column=0))


@pytest.mark.parametrize("kind", ["english prose", "russian prose"])
def test_ordinary_prose_is_overcounted_by_a_quarter_at_most(kind: str) -> None:
    assert overcount(kind) <= 1.25


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_the_estimate_is_never_above_the_bytes(kind: str) -> None:
    for text, _, _ in SAMPLES[kind]:
        assert tokens.estimate_tokens(text) <= len(text.encode())


def test_an_empty_text_has_no_tokens() -> None:
    assert tokens.estimate_tokens("") == 0


def test_half_of_a_surrogate_pair_counts_as_the_mark_that_replaces_it() -> None:
    assert tokens.estimate_tokens("\ud83d") == 3


def count_without_network(cache: str) -> tuple[int, bool]:
    """What a fresh process that may not touch a socket counts in "Hello!", and whether it loaded tiktoken."""
    program = """
import sys
from backend.llm.tokens import count_tokens

def no_network(event, arguments):
    if event.startswith("socket."):
        raise ConnectionError(event)

sys.addaudithook(no_network)
print(count_tokens("Hello!"), "tiktoken" in sys.modules)
"""
    environment = {**os.environ, "TIKTOKEN_CACHE_DIR": cache}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    count, loaded = done.stdout.split()
    return int(count), loaded == "True"


def test_without_ranks_at_hand_it_estimates_and_asks_nobody(tmp_path: Path) -> None:
    assert count_without_network(str(tmp_path)) == (tokens.estimate_tokens("Hello!"), False)


def test_with_tiktokens_cache_turned_off_it_estimates_and_asks_nobody() -> None:
    assert count_without_network("") == (tokens.estimate_tokens("Hello!"), False)


def test_spoiled_ranks_are_neither_used_nor_fetched_again(tmp_path: Path) -> None:
    spoiled = tmp_path / sha1(tokens.RANKS_URL.encode()).hexdigest()
    spoiled.write_bytes(b"aGVsbG8= 0\n")
    assert count_without_network(str(tmp_path)) == (tokens.estimate_tokens("Hello!"), False)
    assert spoiled.read_bytes() == b"aGVsbG8= 0\n"


def test_the_installed_tiktoken_asks_for_the_ranks_that_are_looked_for() -> None:
    assert "o200k_base" in tiktoken.list_encoding_names()
    assert registry.ENCODING_CONSTRUCTORS
    asked_for = inspect.getsource(registry.ENCODING_CONSTRUCTORS["o200k_base"])
    assert tokens.RANKS_URL in asked_for
    assert tokens.RANKS_SHA256 in asked_for


def test_ranks_at_hand_are_used_without_asking_anybody_and_give_the_counts_of_the_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", CACHE)
    encoding = tokens.encoding_at_hand()
    if encoding is None:
        pytest.skip(f"no o200k_base in {CACHE}, and a test does not download it")
    assert count_without_network(CACHE) == (2, True)
    for samples in SAMPLES.values():
        for text, count, _ in samples:
            assert tokens.count_exactly(encoding, text) == count


def test_a_text_of_nothing_but_blanks_is_counted_by_pieces() -> None:
    """In one piece, this makes tiktoken panic."""
    byte_by_byte = tiktoken.Encoding(
        "bytes", pat_str=r"\s+(?!\S)|\s+|\S+", mergeable_ranks={bytes([n]): n for n in range(256)}, special_tokens={}
    )
    assert tokens.count_exactly(byte_by_byte, " " * 1_000_000) == 1_000_000

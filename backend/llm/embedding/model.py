"""A sentence-embedding model in a folder, run by onnxruntime."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import Tokenizer

from backend.llm.embedding.folder import graph_in
from backend.llm.embedding.types import EmbedderInvalid, Vectors, of_length_one

Tokens = npt.NDArray[np.int64]

# Attention costs memory by the square of the tokens: a quarter of a gigabyte for so many.
USUAL_TOKENS, MOST_TOKENS = 512, 2048
UNLIMITED = 1_000_000  # and more is what transformers writes down for a limit that nobody knows
INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
POOLED, UNPOOLED = "sentence_embedding", ("last_hidden_state", "token_embeddings")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a folder's model reads and ends: tokens of a text at most, its padding, and the pooling: cls or mean."""

    most_tokens: int
    padding: int
    pooling: str


class Model:
    """Tokenizer and graph. Safe to use from several threads."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        """Reads the files, which takes about a second per 400 MB. Raises `EmbedderInvalid`."""
        self._shape = read_shape(folder)
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._shape.most_tokens)
        self._session = InferenceSession(str(graph_in(folder)), _options(threads), providers=["CPUExecutionProvider"])
        self._inputs = {told.name for told in self._session.get_inputs()}
        if unknown := self._inputs - INPUTS:
            raise EmbedderInvalid(f"the model wants {', '.join(sorted(unknown))}, which no text has")
        self._output = _output({told.name for told in self._session.get_outputs()})

    def embed(self, texts: Sequence[str]) -> Vectors:
        """In one run: the longest text decides what all of them cost."""
        encodings = self._tokenizer.encode_batch_fast(texts)
        tokens = np.full((len(texts), max(map(len, encodings))), self._shape.padding, np.int64)
        mask = np.zeros_like(tokens)
        for row, encoding in enumerate(encodings):
            tokens[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        (made,) = self._session.run([self._output], {name: feed[name] for name in self._inputs})
        return of_length_one(self._pooled(np.asarray(made, np.float32), mask))

    def _pooled(self, made: npt.NDArray[np.float32], mask: Tokens) -> Vectors:
        if made.ndim == 2:
            return made
        if self._shape.pooling == "cls":
            return made[:, 0]
        # The sum points where the mean does.
        pooled: Vectors = np.einsum("bth,bt->bh", made, mask.astype(np.float32))
        return pooled


def _options(threads: int) -> SessionOptions:
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait for work should not keep the processor busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _output(names: set[str]) -> str:
    for name in (POOLED, *UNPOOLED):
        if name in names:
            return name
    raise EmbedderInvalid(f"the model gives {', '.join(sorted(names))}, not {POOLED} or {' or '.join(UNPOOLED)}")


def read_shape(folder: Path) -> Shape:
    """As the files beside the model tell it, which are those of sentence-transformers and transformers."""
    config, told = _read(folder / "config.json"), _read(folder / "sentence_bert_config.json")
    limits = (
        told.get("max_seq_length"),
        _read(folder / "tokenizer_config.json").get("model_max_length"),
        config.get("max_position_embeddings"),
    )
    limit = next((limit for limit in limits if isinstance(limit, int) and 0 < limit < UNLIMITED), USUAL_TOKENS)
    padding = config.get("pad_token_id")
    return Shape(min(limit, MOST_TOKENS), padding if isinstance(padding, int) else 0, _pooling(folder))


def _pooling(folder: Path) -> str:
    """cls or mean. Raises `EmbedderInvalid` for what a model does besides."""
    modules = json.loads(_text(folder / "modules.json") or "[]")
    kinds = {str(module["type"]).rpartition(".")[2]: module["path"] for module in modules}
    if more := kinds.keys() - {"Transformer", "Pooling", "Normalize"}:
        raise EmbedderInvalid(f"the model in {folder} ends in {', '.join(sorted(more))}, which is not understood here")
    config = _read(folder / kinds.get("Pooling", "1_Pooling") / "config.json")
    modes = {name.removeprefix("pooling_mode_") for name, on in config.items() if on is True and "_mode_" in name}
    match sorted(modes) or [config.get("pooling_mode", "mean")]:
        case ["cls_token"] | ["cls"]:
            return "cls"
        case ["mean_tokens"] | ["mean"]:
            return "mean"
        case other:
            raise EmbedderInvalid(f"the model in {folder} pools by {other}, which is not understood here")


def _read(path: Path) -> dict[str, Any]:
    """What a file tells, which need not be there."""
    told = json.loads(_text(path) or "{}")
    return told if isinstance(told, dict) else {}


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""

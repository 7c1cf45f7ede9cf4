"""Where the files of a local model are, and what they are called."""

import re
from importlib.util import find_spec
from pathlib import Path

GRAPHS = ("model.onnx", "onnx/model.onnx")
TOKENIZER = "tokenizer.json"
# Beside them, where a model has them.
CONFIGS = (
    "config.json",
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "modules.json",
    "1_Pooling/config.json",
)


def find_model(name: str, cache: Path) -> Path | None:
    """The folder that `name` is, or that the Python package of this name carries, or that was downloaded."""
    candidates = [Path(name).expanduser(), *_in_package(name), kept_in(cache, name)]
    return next((folder for folder in candidates if graph_in(folder) and (folder / TOKENIZER).is_file()), None)


def graph_in(folder: Path) -> Path | None:
    return next((folder / name for name in GRAPHS if (folder / name).is_file()), None)


def kept_in(cache: Path, name: str) -> Path:
    """Where a model of the hub is kept once it is there whole."""
    return cache / name.replace("/", "--")


def may_be_on_hub(name: str) -> bool:
    """`owner/model`, or `owner/model@revision`."""
    return bool(re.fullmatch(r"\w[\w.-]*/[\w.-]+(@[\w.-]+)?", name))


def _in_package(name: str) -> list[Path]:
    module = name.replace("-", "_")
    if not module.isidentifier() or not (spec := find_spec(module)) or not spec.origin:
        return []
    return [Path(spec.origin).parent, Path(spec.origin).parent / "model"]

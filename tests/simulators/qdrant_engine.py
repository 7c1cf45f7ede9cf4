"""Collections on disk, in Qdrant's own engine; what a request means, in the words of that engine."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qdrant_edge as edge
from qdrant_client.http import models


class Impossible(Exception):
    """What a server would refuse, and with which status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Engine:
    """One shard for each collection. What was written is in its log, and outlives a kill."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._forms: dict[str, models.CreateCollection] = {}
        self._shards: dict[str, edge.EdgeShard] = {}
        for form in directory.glob("*/form.json"):
            self._forms[form.parent.name] = models.CreateCollection.model_validate_json(form.read_bytes())
            self._shards[form.parent.name] = edge.EdgeShard.load(str(form.parent / "shard"))

    def close(self) -> None:
        for shard in self._shards.values():
            shard.close()

    def form(self, name: str) -> models.CreateCollection:
        """As it was created."""
        self._shard(name)
        return self._forms[name]

    def create(self, name: str, form: models.CreateCollection) -> None:
        if name in self._shards:
            raise Impossible(409, f"Wrong input: Collection `{name}` already exists!")
        home = self._directory / name
        (home / "shard").mkdir(parents=True)
        self._shards[name] = edge.EdgeShard.create(str(home / "shard"), _config(form))
        self._forms[name] = form
        (home / "form.json").write_text(form.model_dump_json(exclude_none=True))

    def drop(self, name: str) -> bool:
        """Whether there was one."""
        if name not in self._shards:
            return False
        self._shards.pop(name).close()
        del self._forms[name]
        shutil.rmtree(self._directory / name)
        return True

    def create_field_index(self, name: str, index: models.CreateFieldIndex) -> None:
        match index.field_schema:
            case models.UuidIndexParams(is_tenant=is_tenant):
                schema = edge.UuidIndexParams(is_tenant=is_tenant)
            case other:
                raise Impossible(501, f"the simulator knows no index {other!r}")
        self._shard(name).update(edge.UpdateOperation.create_field_index(index.field_name, schema))

    def put(self, name: str, batch: models.Batch) -> None:
        shard, payloads = self._shard(name), batch.payloads or []
        if not isinstance(batch.vectors, list) or not len(batch.ids) == len(batch.vectors) == len(payloads):
            raise Impossible(400, "Wrong input: ids, vectors and payloads differ in number")
        vectors = [self._checked(name, vector) for vector in batch.vectors]
        points = [edge.Point(*point) for point in zip(batch.ids, vectors, payloads, strict=True)]
        shard.update(edge.UpdateOperation.upsert_points(points))

    def delete(self, name: str, ids: Sequence[Any]) -> None:
        self._shard(name).update(edge.UpdateOperation.delete_points(list(ids)))

    def query(self, name: str, search: models.QueryRequest) -> list[dict[str, Any]]:
        asked = edge.QueryRequest(
            limit=search.limit or 10,
            query=edge.Query.Nearest(self._checked(name, search.query)),
            filter=_filter(search.filter),
            params=_params(search.params),
        )
        return [{"id": point.id, "version": 0, "score": point.score} for point in self._shard(name).query(asked)]

    def count(self, name: str, asked: models.CountRequest) -> int:
        return self._shard(name).count(edge.CountRequest(exact=bool(asked.exact), filter=_filter(asked.filter)))

    def scroll(self, name: str, asked: models.ScrollRequest) -> tuple[list[dict[str, Any]], Any]:
        """A page in ascending order, and where the next one begins."""
        page = edge.ScrollRequest(offset=asked.offset, limit=asked.limit, filter=_filter(asked.filter))
        records, following = self._shard(name).scroll(page)
        return [{"id": record.id} for record in records], following

    def _shard(self, name: str) -> edge.EdgeShard:
        if name not in self._shards:
            raise Impossible(404, f"Not found: Collection `{name}` doesn't exist!")
        return self._shards[name]

    def _checked(self, name: str, vector: Any) -> list[float]:
        expected = _vectors(self.form(name)).size
        if not isinstance(vector, list) or len(vector) != expected:
            got = len(vector) if isinstance(vector, list) else vector
            raise Impossible(400, f"Wrong input: Vector dimension error: expected dim: {expected}, got {got}")
        return vector


def _vectors(form: models.CreateCollection) -> models.VectorParams:
    if not isinstance(form.vectors, models.VectorParams):
        raise Impossible(501, "the simulator knows only one unnamed vector per point")
    return form.vectors


def _config(form: models.CreateCollection) -> edge.EdgeConfig:
    vectors, graphs = _vectors(form), form.hnsw_config or models.HnswConfigDiff()
    return edge.EdgeConfig(
        vectors=edge.EdgeVectorParams(
            size=vectors.size, distance=getattr(edge.Distance, vectors.distance.value), on_disk=vectors.on_disk
        ),
        hnsw_config=edge.HnswIndexConfig(
            m=16 if graphs.m is None else graphs.m,
            ef_construct=graphs.ef_construct or 100,
            full_scan_threshold=graphs.full_scan_threshold or 10_000,
            payload_m=graphs.payload_m,
        ),
        quantization_config=_quantization(form.quantization_config),
    )


def _quantization(config: Any) -> Any:
    match config:
        case models.ScalarQuantization(scalar=scalar):
            return edge.ScalarQuantizationConfig(
                type=edge.ScalarType.Int8, quantile=scalar.quantile, always_ram=scalar.always_ram
            )
        case models.BinaryQuantization(binary=binary):
            return edge.BinaryQuantizationConfig(always_ram=binary.always_ram)
        case None:
            return None
    raise Impossible(501, f"the simulator knows no quantization {config!r}")


def _filter(asked: models.Filter | None) -> edge.Filter | None:
    if asked is None:
        return None
    conditions = asked.must if isinstance(asked.must, list) else [asked.must]
    if asked.should or asked.must_not or asked.min_should:
        raise Impossible(501, "the simulator knows only filters that must be met")
    return edge.Filter(must=[_condition(condition) for condition in conditions])


def _condition(condition: Any) -> edge.FieldCondition | edge.HasIdCondition:
    match condition:
        case models.FieldCondition(key=key, match=models.MatchAny(any=values)):
            return edge.FieldCondition(key=key, match=edge.MatchAny(values))
        case models.HasIdCondition(has_id=ids):
            return edge.HasIdCondition(set(ids))
    raise Impossible(501, f"the simulator knows no condition {condition!r}")


def _params(params: models.SearchParams | None) -> edge.SearchParams:
    asked = params or models.SearchParams()
    copies = asked.quantization or models.QuantizationSearchParams()
    return edge.SearchParams(
        hnsw_ef=asked.hnsw_ef,
        exact=bool(asked.exact),
        quantization=edge.QuantizationSearchParams(
            ignore=bool(copies.ignore), rescore=copies.rescore, oversampling=copies.oversampling
        ),
    )

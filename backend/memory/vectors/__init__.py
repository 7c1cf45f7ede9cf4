"""Where vectors are kept and searched: one interface, and a store behind it."""

from backend.memory.vectors.pgvector import PgVector as PgVector
from backend.memory.vectors.qdrant import Qdrant as Qdrant
from backend.memory.vectors.store import DimensionsDiffer as DimensionsDiffer
from backend.memory.vectors.store import Found as Found
from backend.memory.vectors.store import VectorIndex as VectorIndex
from backend.memory.vectors.store import Vectors as Vectors
from backend.memory.vectors.store import VectorStore as VectorStore
from backend.memory.vectors.store import VectorStoreUnavailable as VectorStoreUnavailable

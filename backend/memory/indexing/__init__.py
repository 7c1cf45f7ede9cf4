"""From a message to its vector: what is promised with the message is kept by the worker."""

from backend.memory.indexing.indexing import Indexing as Indexing
from backend.memory.indexing.vector_indexes import Chosen as Chosen
from backend.memory.indexing.vector_indexes import IndexUnusable as IndexUnusable
from backend.memory.indexing.vector_indexes import OpenIndex as OpenIndex
from backend.memory.indexing.vector_indexes import VectorIndexes as VectorIndexes

"""What a simulated service should make of texts."""

import numpy as np
import pytest

from backend.llm.embedder import EmbedderUnavailable, Vectors
from backend.llm.embedding.service import ServiceEmbedder
from backend.llm.embedding.types import of_length_one
from tests.simulators.embeddings import vector_of


def expected(*texts: str) -> Vectors:
    return of_length_one(np.stack([vector_of(text) for text in texts]))


async def problem_of(embedder: ServiceEmbedder, *texts: str) -> EmbedderUnavailable:
    with pytest.raises(EmbedderUnavailable) as caught:
        await embedder.embed_passages(texts or ["hello"])
    return caught.value

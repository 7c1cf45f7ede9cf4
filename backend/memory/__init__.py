"""What is remembered: transcript, summary, and the window a model sees."""

from backend.memory.documents import Documents as Documents
from backend.memory.folding import Limits as Limits
from backend.memory.indexing.promises import NOTHING as NOTHING
from backend.memory.indexing.promises import Promise as Promise
from backend.memory.indexing.promises import insert_promises as insert_promises
from backend.memory.memory import ASK_AGAIN_SECONDS as ASK_AGAIN_SECONDS
from backend.memory.memory import Memory as Memory
from backend.memory.retrieval.knowing import known_of as known_of
from backend.memory.retrieval.passages import Found as Found
from backend.memory.transcript import Line as Line
from backend.memory.transcript import Past as Past
from backend.memory.transcript import SessionNotFound as SessionNotFound
from backend.memory.transcript import said_by as said_by
from backend.memory.window import Window as Window

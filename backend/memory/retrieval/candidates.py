"""What might answer a question, as columns: found by meaning, by words, or said right beside those."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.memory.columns import Floats, Integers


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known of a whole memory without reading it; t is the number of the question's terms."""

    documents: int  # pieces in the memory
    mean_length: float  # of a piece, in terms
    documents_with: Floats  # [t]: in how many pieces each term occurs
    last_session: int  # number of the newest session


@dataclass(frozen=True, slots=True)
class Candidates:
    """n pieces of messages, each once, in any order.

    `previous` and `following` are the columns where the piece said right before and right after stands, within the same
    session; -1 where it is not among the candidates, or does not exist. The pieces of a message follow one another.
    """

    ids: Integers  # [n] of embeddings
    messages: Integers  # [n] of messages
    pieces: Integers  # [n] which piece of its message, from 0
    sessions: Integers  # [n] numbers of sessions, 0 is the memory's oldest
    positions: Integers  # [n] of messages in their sessions
    previous: Integers  # [n]
    following: Integers  # [n]
    roles: Sequence[str]  # "user", "assistant"
    speakers: Sequence[str]  # may be empty
    contents: Sequence[str]
    days: Integers  # [n] on which they were said, as `date.toordinal` counts them
    importance: Floats  # [n]
    cosine: Floats  # [q, n]: to the question and then to each of its sentences; nan = unknown. q = 0: no embedder
    frequency: Floats  # [t, n]: how often each of the question's terms occurs
    lengths: Floats  # [n] in terms
    scope: Scope

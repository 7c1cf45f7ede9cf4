"""What is asked for at about the same time goes to the worker together, and nothing of it is lost."""

from collections.abc import Iterator
from queue import Empty
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import Celery

from backend.jobs import MOST_SUBJECTS, NOBODY, QUEUE, CeleryJobs, make_celery
from backend.local import Stores
from tests.processes import PATIENCE_SECONDS, unused_port


class Calls:
    """What waits in the broker; whatever is looked at is taken out."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def next(self) -> list[UUID]:
        """The subjects of the next call, once it has come."""
        return self._subjects(self._queue.get(timeout=PATIENCE_SECONDS))

    def rest(self) -> Iterator[list[UUID]]:
        try:
            while True:
                yield self._subjects(self._queue.get_nowait())
        except Empty:
            return

    def _subjects(self, message: Any) -> list[UUID]:
        message.ack()
        return [UUID(subject) for subject in message.payload[0]]


@pytest.fixture
def celery(stores: Stores) -> Celery:
    """With nothing left to do by the tests before."""
    celery = make_celery(stores.redis_url)
    celery.control.purge()
    return celery


@pytest.fixture
def calls(celery: Celery) -> Iterator[Calls]:
    with celery.connection_for_read() as connection, connection.SimpleQueue(QUEUE) as queue:
        yield Calls(queue)


def test_what_is_asked_for_within_a_moment_goes_as_few_calls(celery: Celery, calls: Calls) -> None:
    jobs, sessions = CeleryJobs(celery), [uuid4() for _ in range(2 * MOST_SUBJECTS + 1)]
    for session in (*sessions, *sessions):
        jobs.summarize_session(session)
    jobs.close()
    told = list(calls.rest())
    assert [len(subjects) for subjects in told] == [MOST_SUBJECTS, MOST_SUBJECTS, 1]
    assert [session for subjects in told for session in subjects] == sessions


def test_who_is_asked_for_again_after_a_call_is_called_again(celery: Celery, calls: Calls) -> None:
    jobs, session = CeleryJobs(celery), uuid4()
    jobs.summarize_session(session)
    assert calls.next() == [session]
    jobs.summarize_session(session)
    jobs.close()
    assert list(calls.rest()) == [[session]]


def test_a_hundred_messages_are_indexed_by_one_call(celery: Celery, calls: Calls) -> None:
    jobs = CeleryJobs(celery)
    for _ in range(100):
        jobs.index()
    jobs.close()
    assert list(calls.rest()) == [[NOBODY]]


def test_a_broker_that_is_away_holds_nobody_up_and_stops_nothing() -> None:
    with make_celery(f"redis://127.0.0.1:{unused_port()}/0") as celery:
        jobs = CeleryJobs(celery)
        jobs.index()
        jobs.close()

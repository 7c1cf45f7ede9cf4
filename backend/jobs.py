"""Wake-up calls for the worker. Postgres holds the truth; a lost call is swept up later."""

from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import structlog
from celery import Celery

log = structlog.get_logger(__name__)

QUEUE = "default"
# A call that waits longer than this for its broker is given up: the sweep makes it again.
BROKER_PATIENCE_SECONDS = 2


class Job(StrEnum):
    """What the worker can be asked to do; each is about one subject, and safe to repeat."""

    SUMMARIZE_SESSION = "summarize_session"
    SWEEP = "sweep"


class Jobs(Protocol):
    """Asks for background work, and never waits for it."""

    def summarize_session(self, session_id: UUID) -> None: ...


def make_celery(broker_url: str) -> Celery:
    """The Celery application that both sides of the broker use."""
    celery = Celery("backend", broker=broker_url)
    celery.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_publish_retry=False,
        broker_connection_timeout=BROKER_PATIENCE_SECONDS,
        broker_transport_options={
            "socket_timeout": BROKER_PATIENCE_SECONDS * 5,
            "socket_connect_timeout": BROKER_PATIENCE_SECONDS,
            # A killed worker's jobs come back after the first, looked for as often as the second, in seconds.
            "visibility_timeout": 300,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
        },
    )
    return celery


class CeleryJobs:
    """Rings from a thread of its own: a broker that is slow or down holds no turn up."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jobs")
        self._waiting: set[tuple[Job, UUID]] = set()

    def summarize_session(self, session_id: UUID) -> None:
        self._ring(Job.SUMMARIZE_SESSION, session_id)

    def close(self) -> None:
        """Sends what is still waiting, and ends."""
        self._thread.shutdown()

    def _ring(self, job: Job, subject: UUID) -> None:
        if (job, subject) not in self._waiting:
            self._waiting.add((job, subject))
            self._thread.submit(self._send, job, subject)

    def _send(self, job: Job, subject: UUID) -> None:
        try:
            self._celery.send_task(job, args=[str(subject)])
        except Exception as error:  # noqa: BLE001 - every transport has errors of its own
            log.warning("job_not_sent", job=job, subject=str(subject), error=type(error).__name__)
        finally:
            self._waiting.discard((job, subject))

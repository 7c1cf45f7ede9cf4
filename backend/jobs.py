"""Wake-up calls for the worker. Postgres holds the truth; a lost call is swept up later."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Event, Lock
from typing import Protocol
from uuid import UUID

import redis.asyncio
import structlog
from celery import Celery

log = structlog.get_logger(__name__)

QUEUE = "default"
# Steps of runs have their queues by what their agents need; nothing else is on the others.
QUEUES = ("high", QUEUE, "low", "browser")
# Where Celery keeps, in Redis, what a worker has taken and not yet done.
UNACKED = "unacked"
# A call that waits longer than this for its broker is given up: the sweep makes it again.
BROKER_PATIENCE_SECONDS = 2
# So many subjects, which the worker does at once, go with one call.
MOST_SUBJECTS = 8
# The sweep comes every so often; a worker that missed three is not there.
SWEEP_SECONDS = 20.0
# Some jobs are about no one in particular, but every job has a subject.
NOBODY = UUID(int=0)
ALIVE_KEY, ALIVE_SECONDS = "llmbot:worker-alive", 60


class Job(StrEnum):
    """What the worker can be asked to do; each is about subjects of its own, and safe to repeat."""

    SUMMARIZE_SESSION = "summarize_session"
    INDEX = "index"
    RECONCILE = "reconcile"
    READ_DOCUMENT = "read_document"
    ADVANCE = "advance"
    SWEEP = "sweep"


# What the backend asks for, and how long such a call waits for others of its kind.
GATHER_SECONDS = {Job.SUMMARIZE_SESSION: 0.1, Job.INDEX: 0.5, Job.READ_DOCUMENT: 0.1}


class Jobs(Protocol):
    """Asks for background work, and never waits for it."""

    def summarize_session(self, session_id: UUID) -> None: ...

    def index(self) -> None: ...

    def read_document(self, document_id: UUID) -> None: ...

    def advance(self, queue: str, step_id: UUID) -> None: ...


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


async def mark_worker_alive(broker_url: str) -> None:
    """Leaves a sign in the broker that jobs are being done, and since when; it fades when they no longer are."""
    async with redis.asyncio.from_url(broker_url) as client:
        await client.set(ALIVE_KEY, datetime.now(UTC).isoformat(), ex=ALIVE_SECONDS, nx=True)
        await client.expire(ALIVE_KEY, ALIVE_SECONDS)


async def is_worker_alive(broker_url: str, patience: float) -> bool:
    """Whether a job was done lately. Raises `redis.RedisError` or `OSError` if the broker does not answer."""
    async with redis.asyncio.from_url(broker_url, socket_timeout=patience, socket_connect_timeout=patience) as client:
        return bool(await client.exists(ALIVE_KEY))


@dataclass(frozen=True, slots=True)
class Post:
    """How the broker fares: how many jobs wait in each queue, how many are being done, and since when any are."""

    since: datetime
    version: str
    waiting: Mapping[str, int]
    in_work: int
    worker_since: datetime | None


async def look_at_post(broker_url: str, patience: float) -> Post:
    """Raises `redis.RedisError` or `OSError` if the broker does not answer within so many seconds."""
    async with (
        redis.asyncio.from_url(broker_url, socket_timeout=patience, socket_connect_timeout=patience) as client,
        client.pipeline(transaction=False) as asked,
    ):
        asked.info("server")
        asked.get(ALIVE_KEY)
        asked.hlen(UNACKED)
        for queue in QUEUES:
            asked.llen(queue)
        server, alive, in_work, *waiting = await asked.execute()
    since = datetime.now(UTC) - timedelta(seconds=server["uptime_in_seconds"])
    version = server.get("valkey_version") or server["redis_version"]
    return Post(since, version, dict(zip(QUEUES, waiting, strict=True)), in_work, _moment(alive))


def _moment(alive: bytes | None) -> datetime | None:
    return datetime.fromisoformat(alive.decode()) if alive else None


class CeleryJobs:
    """Rings from threads of its own: a broker that is slow or down holds no turn up.

    What is asked for within a moment goes as one call about several subjects: to the broker and to the worker a call
    costs more than most of what is done for it.
    """

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._threads = ThreadPoolExecutor(max_workers=len(Job), thread_name_prefix="jobs")
        self._closing = Event()
        self._waiting: dict[Job, list[UUID]] = {job: [] for job in GATHER_SECONDS}
        self._lock = Lock()

    def summarize_session(self, session_id: UUID) -> None:
        self._ring(Job.SUMMARIZE_SESSION, session_id)

    def index(self) -> None:
        self._ring(Job.INDEX, NOBODY)

    def read_document(self, document_id: UUID) -> None:
        self._ring(Job.READ_DOCUMENT, document_id)

    def advance(self, queue: str, step_id: UUID) -> None:
        """One call for each step, and at once: somebody waits for it, and workers share the work."""
        self._threads.submit(self._call, Job.ADVANCE, [step_id], queue)

    def close(self) -> None:
        """Sends what is still waiting, and ends."""
        self._closing.set()
        self._threads.shutdown()

    def _ring(self, job: Job, subject: UUID) -> None:
        with self._lock:
            waiting = self._waiting[job]
            if subject in waiting:
                return
            waiting.append(subject)
            if len(waiting) == 1:
                self._threads.submit(self._send, job)

    def _send(self, job: Job) -> None:
        self._closing.wait(GATHER_SECONDS[job])
        with self._lock:
            waiting, self._waiting[job] = self._waiting[job], []
        for start in range(0, len(waiting), MOST_SUBJECTS):
            self._call(job, waiting[start : start + MOST_SUBJECTS], QUEUE)

    def _call(self, job: Job, subjects: Sequence[UUID], queue: str) -> None:
        told = [str(subject) for subject in subjects]
        try:
            self._celery.send_task(job, args=told, queue=queue)
        except Exception as error:  # noqa: BLE001 - every transport has errors of its own
            log.warning("job_not_sent", job=job, subjects=told, error=type(error).__name__)

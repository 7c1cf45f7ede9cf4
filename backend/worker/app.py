"""What the worker does. `celery -A backend.worker.app worker` and `… beat` start here."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from celery.schedules import crontab
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown, worker_ready
from kombu import Exchange, Queue

from backend.agents.clearing import clear_workspaces
from backend.bootstrap import Backend
from backend.errors import Problem
from backend.jobs import NOBODY, QUEUES, SWEEP_SECONDS, Job, make_celery, mark_worker_alive
from backend.logs import configure_logging
from backend.memory.summary import SummaryUnusable
from backend.settings import Settings
from backend.worker.runtime import Runtime, Work

log = structlog.get_logger(__name__)

settings = Settings()
runtime = Runtime()
app = make_celery(settings.redis_url.get_secret_value())
app.conf.update(
    # All of them, unless it is started with `--queues`.
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # A step may take minutes: two of them should not keep the rest waiting.
    worker_concurrency=4,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    beat_schedule={
        "sweep": {
            "task": Job.SWEEP,
            "schedule": SWEEP_SECONDS,
            "args": [str(NOBODY)],
            "options": {"expires": SWEEP_SECONDS},
        },
        "reconcile": {"task": Job.RECONCILE, "schedule": crontab(hour=3, minute=20), "args": [str(NOBODY)]},
    },
)


@setup_logging.connect
def _log(**_: Any) -> None:
    configure_logging(settings.log_level, settings.log_format)


@worker_process_init.connect
def _start(**_: Any) -> None:
    runtime.start(settings)


@worker_ready.connect
def _sweep_at_once(**_: Any) -> None:
    """What was lost while no worker was there should not wait for the first beat."""
    app.send_task(Job.SWEEP, args=[str(NOBODY)])


@worker_process_shutdown.connect
def _stop(**_: Any) -> None:
    runtime.stop()


def performs(job: Job) -> Callable[[Work], Work]:
    """Register an async function as the worker's answer to a job.

    A problem (no model answered, the database is away) is logged and left to the sweep: the state is in Postgres.
    """

    def register(work: Work) -> Work:
        async def attempt(backend: Backend, subject: UUID) -> None:
            try:
                await work(backend, subject)
            except (Problem, SummaryUnusable) as problem:
                log.warning("job_not_done", job=job, subject=str(subject), problem=type(problem).__name__)

        @app.task(name=job)
        def perform(*subjects: str) -> None:
            runtime.run(attempt, [UUID(subject) for subject in subjects])

        return work

    return register


@performs(Job.SUMMARIZE_SESSION)
async def summarize_session(backend: Backend, session_id: UUID) -> None:
    await backend.memory.summarize(session_id)


@performs(Job.INDEX)
async def index(backend: Backend, _: UUID) -> None:
    if await backend.indexing.index():
        backend.jobs.index()


@performs(Job.RECONCILE)
async def reconcile(backend: Backend, _: UUID) -> None:
    await backend.chat.deliveries.tidy()
    await backend.indexing.reconcile()


@performs(Job.READ_DOCUMENT)
async def read_document(backend: Backend, document_id: UUID) -> None:
    await backend.documents.read(document_id)
    backend.jobs.index()


@performs(Job.ADVANCE)
async def advance(_: Backend, step_id: UUID) -> None:
    await runtime.workshop().advance(step_id)


@performs(Job.SWEEP)
async def sweep(backend: Backend, _: UUID) -> None:
    await mark_worker_alive(backend.settings.redis_url.get_secret_value())
    await backend.chat.sweep()
    await backend.bots.sweep()
    await backend.agents.sweep()
    await clear_workspaces(backend.db, backend.settings.workspaces)
    for session_id in await backend.memory.overdue():
        backend.jobs.summarize_session(session_id)
    await backend.indexing.sweep()
    backend.jobs.index()
    for document_id in await backend.documents.overdue():
        backend.jobs.read_document(document_id)

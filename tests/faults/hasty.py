"""The worker with leases of two seconds and a sweep every second: `celery -A tests.faults.hasty worker`."""

from backend import jobs
from backend.agents import claims

claims.LEASE_SECONDS, claims.RENEW_SECONDS = 2.0, 0.5
jobs.SWEEP_SECONDS = 1.0

from backend.worker.app import app as app  # noqa: E402 - it reads the seconds when it is imported

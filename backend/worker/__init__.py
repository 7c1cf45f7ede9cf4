"""The Celery face: every task is one call on one subject, safe to repeat."""

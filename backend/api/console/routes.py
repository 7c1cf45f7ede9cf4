"""All pages of the console."""

from fastapi import APIRouter

from backend.api.console import entering, look, now, runs, setup, talk

router = APIRouter()
for pages in (entering, now, talk, runs, look, setup):
    router.include_router(pages.router)

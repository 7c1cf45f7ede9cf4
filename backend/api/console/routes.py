"""All pages of the console."""

from fastapi import APIRouter

from backend.api.console import entering, now, talk

router = APIRouter()
for pages in (entering, now, talk):
    router.include_router(pages.router)

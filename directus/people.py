"""The people of the panel: one for each role, as the environment names them."""

from directus.applying import Applying
from directus.client import Client, Item, Refused
from directus.reading import Panel, named
from directus.settings import Settings


async def apply_people(applying: Applying, panel: Panel, settings: Settings, url: str) -> None:
    """Who stands in the environment may log in, with the password there; who no longer does may not."""
    have = {item["id"]: item for item in await applying.client.all("/users")}
    for role, told in panel.roles.items():
        email, password = settings.get(told["email"]), settings.get(told["password"])
        id = named("user", role)
        if email and password:
            person = {"id": id, "email": email, "role": named("role", role), "status": "active"}
            await _admit(applying, have.get(id), person, password, url)
        elif id in have and have[id]["status"] == "active":
            await applying.bring(f"/users/{id}", have[id], {"status": "suspended"})


async def _admit(applying: Applying, known: Item | None, person: Item, password: str, url: str) -> None:
    if known is None:
        await applying.make("/users", {**person, "password": password, "first_name": person["email"].split("@")[0]})
        return
    await applying.bring(f"/users/{person['id']}", known, person)
    async with Client(url) as client:
        try:
            await client.log_in(person["email"], password)
        except Refused:
            await applying.client.patch(f"/users/{person['id']}", {"password": password})
            applying.changes.changed += 1

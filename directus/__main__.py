"""`python -m directus role` makes Directus' role in Postgres; `python -m directus panel` fills a running Directus."""

import asyncio
import os
import sys

from directus.applying import Applying, TableMissing
from directus.client import Client, NotThere, Refused
from directus.people import apply_people
from directus.reading import read_panel
from directus.role import RoleMissing, apply_role
from directus.settings import LOCAL, SettingMissing, Settings
from directus.wanted import wanted


async def set_up_role(settings: Settings) -> str:
    url = settings.needed("DATABASE_URL").replace("postgresql+asyncpg://", "postgresql://", 1)
    changed = await apply_role(url, settings.needed("DIRECTUS_DB_PASSWORD"), read_panel())
    return "The role of Directus may do what the panel needs." if changed else "Nothing has changed for the role."


async def set_up_panel(settings: Settings) -> str:
    panel, url = read_panel(), settings.get("DIRECTUS_URL", LOCAL)
    async with Client(url) as client:
        await client.until_up()
        await client.log_in(settings.needed("DIRECTUS_ADMIN_EMAIL"), settings.needed("DIRECTUS_ADMIN_PASSWORD"))
        applying = Applying(client)
        await applying.apply(wanted(panel))
        await apply_people(applying, panel, settings, url)
    return f"The panel is set up: {applying.changes}." if applying.changes else "Nothing has changed for the panel."


HALVES = {"role": set_up_role, "panel": set_up_panel}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in HALVES:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with asyncio.Runner() as runner:
            print(runner.run(HALVES[arguments[0]](Settings(os.environ))))
    except (NotThere, OSError, Refused, RoleMissing, SettingMissing, TableMissing) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

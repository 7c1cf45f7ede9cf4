"""What is set in the console is kept sealed, goes below the environment, and is taken up by every process."""

from collections.abc import Mapping

import pytest

from backend.bots import Seal, SecretKeyMissing, SecretKeyWrong
from backend.database import Database
from backend.llm.variables import Variables
from tests.backend.bots.tokens import KEY, OTHER_KEY, SEAL


def variables(db: Database, environment: Mapping[str, str] | None = None, seal: Seal = SEAL) -> Variables:
    return Variables(db, seal, environment or {})


async def test_what_is_saved_another_process_takes_up(db: Database) -> None:
    here, elsewhere = variables(db), variables(db)
    assert not await elsewhere.refresh()
    await here.save({"OPENAI_API_KEY": "sk-1", "LLM_CHAIN": "openai"})
    assert await here.refresh()
    assert dict(here) == {"OPENAI_API_KEY": "sk-1", "LLM_CHAIN": "openai"}
    anew = variables(db)
    assert await anew.refresh()
    assert anew.saved == here.saved


async def test_it_is_looked_for_no_more_than_once_in_a_second(db: Database) -> None:
    here = variables(db)
    await here.refresh()
    await variables(db).save({"OPENAI_API_KEY": "sk-1"})
    assert not await here.refresh()
    assert dict(here) == {}


async def test_the_environment_goes_before_it(db: Database) -> None:
    here = variables(db, {"OPENAI_API_KEY": "sk-environment"})
    await here.save({"OPENAI_API_KEY": "sk-saved", "GROQ_API_KEY": "gsk"})
    await here.refresh()
    assert (here["OPENAI_API_KEY"], here["GROQ_API_KEY"], len(here)) == ("sk-environment", "gsk", 2)


async def test_an_empty_value_is_forgotten(db: Database) -> None:
    here = variables(db)
    await here.save({"OPENAI_API_KEY": "sk-1", "LLM_CHAIN": "openai"})
    await here.save({"OPENAI_API_KEY": ""})
    await here.refresh()
    assert dict(here) == {"LLM_CHAIN": "openai"}


async def test_nothing_readable_is_in_the_database(db: Database) -> None:
    await variables(db).save({"OPENAI_API_KEY": "sk-secret"})
    [row] = await db.run("select settings::text as row from settings")
    assert "sk-secret" not in row["row"]


async def test_without_a_key_nothing_is_saved(db: Database) -> None:
    with pytest.raises(SecretKeyMissing):
        await variables(db, seal=Seal([])).save({"OPENAI_API_KEY": "sk-1"})
    assert await db.run("select from settings") == []


async def test_what_another_key_has_sealed_is_left_out(db: Database) -> None:
    await variables(db).save({"OPENAI_API_KEY": "sk-1"})
    other = variables(db, {"GROQ_API_KEY": "gsk"}, Seal([OTHER_KEY]))
    await other.refresh()
    assert dict(other) == {"GROQ_API_KEY": "gsk"}


async def test_keys_can_be_rotated(db: Database) -> None:
    await variables(db).save({"OPENAI_API_KEY": "sk-1"})
    await variables(db, seal=Seal([OTHER_KEY, KEY])).rotate()
    renewed = variables(db, seal=Seal([OTHER_KEY]))
    await renewed.refresh()
    assert renewed["OPENAI_API_KEY"] == "sk-1"
    with pytest.raises(SecretKeyWrong, match="OPENAI_API_KEY"):
        await variables(db).rotate()

"""A forgotten person's runs, calls, grants and files go as well, and nobody else's."""

from backend.agents.clearing import clear_workspaces
from backend.agents.skills.workspace import workspace_of
from tests.backend.agents.bench import Bench, step, write
from tests.simulators.provider import Provider
from tests.simulators.provider_scenes import Scene, plays

KEPT = """
select (select count(*) from agent_runs) as runs, (select count(*) from run_steps) as steps,
    (select count(*) from skill_calls) as calls, (select count(*) from confirmations) as confirmations,
    (select count(*) from grants) as grants
"""


async def acts(bench: Bench, person: str) -> None:
    bench.session = None
    run = await bench.begin(step("Note milk"), person=person)
    await bench.work()
    await bench.backend.agents.confirm(await bench.asked(run), person, always=True)
    await bench.work()


async def test_all_that_was_done_for_a_person_is_forgotten(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", write("milk"), "Noted."))
    for person in ("anna", "bert"):
        await acts(bench, person)
    folders = {
        row["user_id"]: workspace_of(bench.folder, row["scope"])
        for row in await bench.db.run("select user_id, scope from chat_sessions")
    }
    (folders["anna"] / "note").write_text("milk")
    receipt = await bench.backend.memory.forget("anna", None)
    assert (receipt.runs, receipt.calls, receipt.grants, receipt.left) == (1, 1, 1, 0)
    assert dict((await bench.db.run(KEPT))[0]) == {
        "runs": 1, "steps": 1, "calls": 1, "confirmations": 1, "grants": 1,
    }  # fmt: skip
    await clear_workspaces(bench.db, bench.folder)
    assert [folder.exists() for folder in folders.values()] == [person != "anna" for person in folders]
    assert await bench.db.run("select from forgotten_workspaces") == []


async def test_of_a_deleted_run_it_stays_known_what_was_called_but_not_with_what(
    bench: Bench, provider: Provider
) -> None:
    provider.rule = plays(Scene("note", write("milk"), "Noted."))
    await acts(bench, "anna")
    await bench.db.run("delete from agent_runs")
    [call] = await bench.db.run("select skill, state, arguments, result from skill_calls")
    assert tuple(call) == ("write", "done", {}, None)


async def test_who_came_back_keeps_the_folder(bench: Bench, provider: Provider) -> None:
    provider.rule = plays(Scene("note", write("milk"), "Noted."))
    await acts(bench, "anna")
    [row] = await bench.db.run("select scope from chat_sessions")
    await bench.backend.memory.forget("anna", None)
    await acts(bench, "anna")
    await clear_workspaces(bench.db, bench.folder)
    assert (bench.folder / str(row["scope"])).is_dir()

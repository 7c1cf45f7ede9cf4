"""`llmbot agents`: who carries out what people ask for, and who of them is offered."""

import argparse

from backend.bootstrap import Backend
from backend.cli.opening import NotClear, Work, perform
from backend.cli.telling import in_a_line, print_facts, print_table
from backend.database import Record

MOST_LISTED = 1_000
LONGEST_LINE = 60
LIMITS = ("model calls", "tool calls", "tokens", "minutes")


def add_agents(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(perform=perform, work=_list, bot=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, work, told in COMMANDS:
        command = commands.add_parser(name, help=told, description=told)
        command.set_defaults(perform=perform, work=work)
        if name != "list":
            command.add_argument("slug", metavar="AGENT", help="its name, as `llmbot agents list` shows it")
        command.add_argument("--bot", help="of which bot; else of every bot, or the only one of this name")


async def _list(backend: Backend, asked: argparse.Namespace) -> int:
    """Those that are offered come first."""
    found = await _all(backend, asked.bot)
    found.sort(key=lambda agent: (not agent["enabled"], agent["slug"], agent["bot"] or ""))
    print_table(("AGENT", "BOT", "STATE", "QUEUE", "SKILLS", "DOES"), [_row(agent) for agent in found])
    return 0


async def _all(backend: Backend, bot: str | None) -> list[Record]:
    return (await backend.gateway.agents.list(bot, after=None, limit=MOST_LISTED)).items


def _row(agent: Record) -> tuple[str, ...]:
    skills = in_a_line(" ".join(agent["skills"]) or "-", LONGEST_LINE)
    does = in_a_line(agent["description"], LONGEST_LINE)
    return agent["slug"], agent["bot"] or "every", _state(agent), agent["queue"], skills, does


def _state(agent: Record) -> str:
    return "enabled" if agent["enabled"] else "disabled"


async def _show(backend: Backend, asked: argparse.Namespace) -> int:
    agent, settings = await _named(backend, asked), backend.settings
    spends = (agent["max_model_calls"], agent["max_tool_calls"], agent["max_tokens"], agent["max_minutes"])
    usual = (settings.max_model_calls, settings.max_tool_calls, settings.max_tokens, settings.max_minutes)
    limits = [
        f"{default if own is None else own:,} {name}" for name, own, default in zip(LIMITS, spends, usual, strict=True)
    ]
    facts = [
        ("name", agent["name"]),
        ("bot", agent["bot"] or "every"),
        ("state", _state(agent)),
        ("does", agent["description"]),
        ("models", agent["llm_chain"] or "those of the bot"),
        ("queue", agent["queue"]),
        ("for", ", ".join(agent["allowed_user_ids"]) or "everybody who may talk to the bot"),
        ("a run has", ", ".join(limits)),
    ]
    print_facts(facts)
    _print_skills(backend, agent["skills"])
    print(f"\n{agent['instructions']}")
    return 0


def _print_skills(backend: Backend, named: list[str]) -> None:
    described = backend.skills.described()
    for name in named:
        meant = [skill for skill in described if name in (skill.name, skill.family)]
        if not meant:
            print(f"{'skill':<14} {name}: nothing here has this name, unless a server brings it along")
        for skill in meant:
            missing = f"; not here: {skill.missing}" if skill.missing else ""
            print(f"{'skill':<14} {skill.name} ({skill.danger}){missing}")


async def _enable(backend: Backend, asked: argparse.Namespace) -> int:
    agent = await _named(backend, asked)
    await backend.gateway.agents.change(agent["id"], {"enabled": True})
    whom = f"the bot {agent['bot']}" if agent["bot"] else "every bot"
    print(f"{agent['slug']} is offered by {whom} within seconds.")
    return 0


async def _disable(backend: Backend, asked: argparse.Namespace) -> int:
    agent = await _named(backend, asked)
    await backend.gateway.agents.change(agent["id"], {"enabled": False})
    print(f"{agent['slug']} is offered no more within seconds; what it has begun goes on.")
    return 0


async def _named(backend: Backend, asked: argparse.Namespace) -> Record:
    """Raises `NotClear`."""
    found = [agent for agent in await _all(backend, asked.bot) if agent["slug"] == asked.slug]
    exactly = [agent for agent in found if agent["bot"] == asked.bot]
    if len(exactly or found) == 1:
        return (exactly or found)[0]
    if found:
        bots = ", ".join(agent["bot"] for agent in found)
        raise NotClear(f"Several bots have an agent {asked.slug}: name one with --bot ({bots}).")
    raise NotClear(f"There is no agent {asked.slug}: `llmbot agents list` shows all.")


COMMANDS: tuple[tuple[str, Work, str], ...] = (
    ("list", _list, "All agents, and what they do."),
    ("show", _show, "One agent: its skills, limits and instructions."),
    ("enable", _enable, "Let an agent be offered."),
    ("disable", _disable, "Let an agent be offered no more."),
)

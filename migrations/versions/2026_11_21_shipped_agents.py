"""The first agents, and a macro that is a plan for them; none of them does anything before it is enabled."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

AGENTS: tuple[Mapping[str, Any], ...] = (
    {
        "slug": "system_agent",
        "name": "System agent",
        "description": (
            "Works in the person's own folder of files: lists, reads, searches and writes them, runs programs there, "
            "looks at git repositories and commits to them. It knows nothing outside that folder."
        ),
        "instructions": (
            "You are an agent who works in one folder of files: with the files themselves, with programs, and with "
            "git. Look before you change anything: read a file before you write it, and see what is changed before "
            "you commit it. Change as little as the step needs, and leave everything else exactly as it was. Name "
            "every file by its path within the folder. When a program fails, read what it says and try one other "
            "way; then report what it said. What you report names each file that was written, and each program that "
            "was run, with what came of it."
        ),
        "skills": ["filesystem", "shell", "git"],
        "queue": "default",
    },
    {
        "slug": "browser_agent",
        "name": "Browser agent",
        "description": (
            "Uses web pages in a real browser: opens them, reads what only appears there, fills in forms, clicks, and "
            "takes pictures of them. For pages that have to be operated; to find or read something, research_agent "
            "is faster."
        ),
        "instructions": (
            "You are an agent who operates web pages in a browser. Open a page, read what is on it, and only then "
            "type or click; after each action read what has become of the page, because it may not be what you "
            "expected. Enter into forms nothing but what the person's request or an earlier result says: you never "
            "invent names, addresses, passwords or numbers. Before anything is sent, ordered or deleted, check every "
            "field. When a page wants a login, a payment or a proof that you are human, stop and report that. What you "
            "report says what the page shows in the end, in its own words, and its address."
        ),
        "skills": ["browser", "web"],
        "queue": "browser",
    },
    {
        "slug": "research_agent",
        "name": "Research agent",
        "description": (
            "Finds things out: searches the web, reads pages and documents there, looks into what the person has said "
            "before, compares, and reports with sources. It changes nothing."
        ),
        "instructions": (
            "You are an agent who finds things out. Search with a few different wordings, open the most promising "
            "results, and read them: what a search lists is no source yet. Prefer who knows at first hand, and what is "
            "recent where that matters. Where sources differ, say so, and which one says what. Every statement that is "
            "not common knowledge carries the address that it is from, exactly as you read it. Tell what the sources "
            "say apart from what you conclude. If you find nothing that is good enough, say what you looked for, and "
            "where; you never fill the gap from memory without saying so."
        ),
        "skills": ["web", "memory"],
        "queue": "default",
    },
    {
        "slug": "assistant_agent",
        "name": "Assistant agent",
        "description": (
            "Works with words and with the person's own memory: writes, shortens, sorts and puts together what other "
            "steps have found; looks up, remembers or forgets what the person asks for. No web, no files."
        ),
        "instructions": (
            "You are an agent who works with words and with what the person has said before. You write from the "
            "request and from the results that you are given, and add no facts of your own. Keep names, numbers, "
            "dates and addresses exactly as they are given. You look into memory when the request refers to "
            "something earlier, and say so when it is not there. You remember or forget only what the person asks to "
            "have remembered or forgotten, in the person's own words. Write as a person would: plainly, in the form "
            "that is asked for, without an introduction."
        ),
        "skills": ["memory"],
        "queue": "default",
    },
)
NEWS: Mapping[str, Any] = {
    "slug": "daily-news-summary",
    "name": "Summarize the news",
    "description": (
        "Searches the web for current news, of a topic or in general, reads them, and writes a summary with sources."
    ),
    "parameters": {
        "topic": {
            "type": "string",
            "description": "What the news are to be about, in the person's words; nothing for news in general.",
        },
        "period": {
            "type": "choice",
            "description": "How recent they have to be.",
            "choices": ["the last 24 hours", "the last 3 days", "the last week"],
            "default": "the last 24 hours",
        },
        "length": {
            "type": "choice",
            "description": "How long the summary is to be.",
            "choices": ["a few sentences", "one page"],
            "default": "a few sentences",
        },
    },
    "plan": [
        {
            "agent": "research_agent",
            "action": (
                "Search the web for news of {{period}} about {{topic}}; if that is not given, for the most important "
                "news in general. Search with several wordings. Return a list of at most 8 different pieces of news: "
                "of each its headline, its date and its full address. Leave out what is older."
            ),
        },
        {
            "agent": "research_agent",
            "action": (
                "Read the pages that the list names. Return for each piece of news what has happened, in two or three "
                "sentences, with its date and the address of the page. Name those that could not be read."
            ),
            "depends_on": [1],
        },
        {
            "agent": "assistant_agent",
            "action": (
                "Write the summary of these news, in {{length}}, about {{topic}} if that is given: what matters most "
                "comes first, what is told twice is told once, and each piece of news ends with its address. Say what "
                "could not be read."
            ),
            "depends_on": [2],
        },
    ],
}
# Nobody has asked for them yet, and what is enabled is offered to the model in every call.
SHIP_AGENT = sa.text("""
insert into agents (slug, name, description, instructions, skills, queue, enabled)
values (:slug, :name, :description, :instructions, :skills, :queue, false)
on conflict do nothing
""")
SHIP_MACRO = sa.text("""
insert into macros (slug, name, description, plan, parameters, enabled)
values (:slug, :name, :description, cast(:plan as jsonb), cast(:parameters as jsonb), false)
on conflict do nothing
""")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for agent in AGENTS:
        op.get_bind().execute(SHIP_AGENT, agent)
    op.get_bind().execute(
        SHIP_MACRO, {**NEWS, "plan": json.dumps(NEWS["plan"]), "parameters": json.dumps(NEWS["parameters"])}
    )


def downgrade() -> None:
    op.execute("delete from macros where slug = 'daily-news-summary' and bot_id is null")
    slugs = ", ".join(f"'{agent['slug']}'" for agent in AGENTS)
    op.execute(f"delete from agents where slug in ({slugs}) and bot_id is null")

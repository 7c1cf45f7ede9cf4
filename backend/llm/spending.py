"""What models were asked, what that cost, and how each of them has been doing, as the calls tell it."""

from backend.database import Database, Record

WELL = "outcome in ('answered', 'stopped')"
# Of each model the moments of its last good and of its last bad call, so that it is seen since when it is as it is.
DAY = f"""
select provider, model, count(*) as calls, count(*) filter (where not {WELL}) as failed,
    coalesce(sum(tokens_in), 0) as tokens_in, coalesce(sum(tokens_out), 0) as tokens_out, sum(cost)::float8 as cost,
    coalesce(max(last_well) > max(last_ill), max(last_ill) is null) as is_well,
    min(created_at) filter (where created_at > coalesce(last_ill, '-infinity')) as well_since,
    min(created_at) filter (where created_at > coalesce(last_well, '-infinity')) as ill_since,
    max(last_well) as last_well, max(last_ill) as last_ill,
    max(outcome) filter (where created_at = last_ill and not {WELL}) as last_error
from (
    select *, max(created_at) filter (where {WELL}) over model_s as last_well,
        max(created_at) filter (where not {WELL}) over model_s as last_ill
    from llm_calls where created_at > now() - interval '24 hours'
    window model_s as (partition by provider, model)
) call
group by provider, model order by calls desc, provider, model
"""


async def of_day(db: Database) -> list[Record]:
    """Every model that was asked in the last 24 hours; `cost` is in US dollars, null where nobody told a price."""
    return await db.run(DAY)

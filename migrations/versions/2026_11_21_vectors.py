"""The vectors of semantic memory, for those who keep them in Postgres."""

from alembic import op

revision = "0003"
down_revision = "0002"

# Vectors of up to 3,500 dimensions stay in the row: comparing them would look up each of them elsewhere. A search of
# codes looks at the row itself, too, until vacuum has been there: so that comes after each hundredth of new rows,
# instead of each fifth.
VECTORS = """
create table vectors (
    embedding_id bigint not null,
    index_id integer not null,
    scope uuid not null,
    code bit varying not null,
    vector halfvec not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_vectors primary key (embedding_id, index_id),
    constraint fk_vectors_embedding_id foreign key (embedding_id) references embeddings on delete cascade,
    constraint fk_vectors_index_id foreign key (index_id) references vector_indexes on delete cascade
) with (
    toast_tuple_target = 8160,
    autovacuum_vacuum_insert_scale_factor = 0.01,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("create extension if not exists vector")
    op.execute(VECTORS)
    op.execute("create index ix_vectors_scope on vectors (index_id, scope) include (embedding_id, code)")


def downgrade() -> None:
    op.drop_table("vectors")  # the extension stays: others may use it

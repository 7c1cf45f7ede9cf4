"""Which message shows an answer while it is written."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("turns", sa.Column("shown_as", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("turns", "shown_as")

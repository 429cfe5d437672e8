"""How much came from the upstream, hour by hour."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0021_fetched"
down_revision = "0020_scale"


def upgrade() -> None:
    table = op.create_table(
        "store_fetched",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour"),
    )
    # From now on it is counted: of what was before, nobody can say how much of it was in the store already.
    began = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    op.bulk_insert(table, [{"hour": began, "bytes": 0}])


def downgrade() -> None:
    op.drop_table("store_fetched")

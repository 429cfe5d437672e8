"""Mailboxes of teams."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_mailboxes"
down_revision = "0021_fetched"


def upgrade() -> None:
    op.create_table(
        "team_mailboxes",
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("choices", sa.String(), nullable=False),
        sa.Column("rhythm", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("utc_offset", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("team"),
    )


def downgrade() -> None:
    # What was on its way to teams reaches nobody any more; the notices themselves stay.
    op.execute("DELETE FROM deliveries WHERE user_id LIKE 'team:%'")
    op.execute("DELETE FROM notice_readers WHERE user_id LIKE 'team:%'")
    op.drop_table("team_mailboxes")

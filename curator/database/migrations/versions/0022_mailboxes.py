"""Mailboxes of teams, and what holds for those whom the rules tell apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_mailboxes"
down_revision = "0021_fetched"

_APART = ("mark", "kind", "repo", "decision", "outcome", "rule")


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
    op.create_table(
        "catalogue_apart",
        *(sa.Column(name, sa.String(), nullable=False) for name in _APART),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("mark", "kind", "repo"),
    )


def downgrade() -> None:
    op.drop_table("catalogue_apart")
    # What was on its way to teams reaches nobody any more; the notices themselves stay.
    op.execute("DELETE FROM deliveries WHERE user_id LIKE 'team:%'")
    op.execute("DELETE FROM notice_readers WHERE user_id LIKE 'team:%'")
    op.drop_table("team_mailboxes")

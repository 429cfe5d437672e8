"""What branches pointed to as time went by, and where they are pinned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "ref_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("sha", sa.String(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_ref_history_branch", "ref_history", ["kind", "repo", "revision", "id"], unique=False)
    op.create_table(
        "pins",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("sha", sa.String(), nullable=False),
        sa.Column("pinned_by", sa.String(), nullable=False),
        sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "repo", "revision"),
    )
    # What branches were last seen at is the beginning of their history; a commit's own name never moves.
    op.execute(
        "INSERT INTO ref_history (kind, repo, revision, sha, observed_at) "
        "SELECT kind, repo, revision, sha, checked_at FROM refs WHERE revision <> sha ORDER BY checked_at"
    )


def downgrade() -> None:
    op.drop_table("pins")
    op.drop_index("ix_ref_history_branch", table_name="ref_history")
    op.drop_table("ref_history")

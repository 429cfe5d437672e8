"""What is learnt of a commit beside its files, what was first seen of a repository, and keys to find what is alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_looks"
down_revision = "0007_judgement"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("checked_at", _MOMENT, nullable=False),
        sa.Column("profile", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"]),
        sa.PrimaryKeyConstraint("snapshot_id"),
    )
    op.create_index("ix_looks_checked_at", "looks", ["checked_at"])
    op.create_table(
        "repositories_seen",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("first_seen_at", _MOMENT, nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("likes", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("allowed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("kind", "repo"),
    )
    op.create_table(
        "signatures",
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"]),
        sa.PrimaryKeyConstraint("snapshot_id", "kind", "value"),
    )
    op.create_index("ix_signatures_value", "signatures", ["kind", "value"])


def downgrade() -> None:
    op.drop_table("signatures")
    op.drop_table("repositories_seen")
    op.drop_table("looks")

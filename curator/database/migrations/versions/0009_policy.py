"""Where rules come from, and what is judged anew when they change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_policy"
down_revision = "0008_looks"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rule_sources",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rejudgements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("rule_set", sa.String(), nullable=False),
        sa.Column("scanner", sa.String(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("total", "done", "blocked", "released", "otherwise", "left")
        ),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rejudgement_items",
        sa.Column("rejudgement_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["rejudgement_id"], ["rejudgements.id"]),
        sa.PrimaryKeyConstraint("rejudgement_id", "position", "audience"),
    )
    op.create_index("ix_decisions_expires_at", "decisions", ["expires_at"])


def downgrade() -> None:
    op.drop_index("ix_decisions_expires_at", "decisions")
    op.drop_table("rejudgement_items")
    op.drop_table("rejudgements")
    op.drop_table("rule_sources")

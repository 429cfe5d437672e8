"""Requests that were sent with a key, so that sending them again does nothing more; drafts of rules, and trials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_repeated"
down_revision = "0018_catalogue"


def upgrade() -> None:
    op.create_table(
        "repeated",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("who", "key"),
    )
    op.create_index("ix_repeated_begun_at", "repeated", ["begun_at"])
    op.create_table(
        "rule_drafts",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("edited_from", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("who"),
    )
    op.create_table(
        "rule_hits",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "rule"),
    )
    op.create_table(
        "rule_trials",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("catalogue", sa.Boolean(), nullable=False),
        sa.Column("days", sa.Float(), nullable=False),
        sa.Column("against", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("rule_trials")
    op.drop_table("rule_hits")
    op.drop_table("rule_drafts")
    op.drop_index("ix_repeated_begun_at", "repeated")
    op.drop_table("repeated")

"""Which commits' decisions rest on which findings; waivers and entries that were taken back are quickly counted."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010_review"
down_revision = "0009_policy"

_WORDS = ("waivers", "list_entries")


def upgrade() -> None:
    op.create_table(
        "decision_fingerprints",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"]),
        sa.PrimaryKeyConstraint("fingerprint", "snapshot_id"),
    )
    op.create_index("ix_decision_fingerprints_snapshot_id", "decision_fingerprints", ["snapshot_id"])
    _note_what_there_is()
    for table in _WORDS:
        op.create_index(f"ix_{table}_ended_at", table, ["ended_at", "id"])


def downgrade() -> None:
    for table in _WORDS:
        op.drop_index(f"ix_{table}_ended_at", table)
    op.drop_table("decision_fingerprints")


def _note_what_there_is() -> None:
    """Each decision's reasons name what it rests on."""
    connection = op.get_bind()
    decisions = sa.table(
        "decisions",
        sa.column("id", sa.String()),
        sa.column("snapshot_id", sa.Integer()),
        sa.column("decision", sa.String()),
    )
    rests_on = sa.table(
        "decision_fingerprints", sa.column("fingerprint", sa.String()), sa.column("snapshot_id", sa.Integer())
    )
    ids = connection.execute(sa.select(decisions.c.id).order_by(decisions.c.snapshot_id)).scalars().all()
    noted: set[str] = set()
    of = None
    for decision_id in ids:
        row = connection.execute(sa.select(decisions).where(decisions.c.id == decision_id)).mappings().one()
        if row["snapshot_id"] != of:
            of, noted = row["snapshot_id"], set()
        reasons = json.loads(row["decision"])["reasons"]
        new = {fingerprint for reason in reasons for fingerprint in reason["fingerprints"]} - noted
        if new:
            connection.execute(
                rests_on.insert(), [{"fingerprint": fingerprint, "snapshot_id": of} for fingerprint in sorted(new)]
            )
            noted |= new

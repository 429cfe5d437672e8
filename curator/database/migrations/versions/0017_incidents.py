"""What turned bad after it was served: incidents, what is blocked by content, and what was made from what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_incidents"
down_revision = "0016_requests"

_COUNTED = [
    *("kind", "repo", "commit", "team", "actor", "project", "address"),
    *("files", "bytes", "first_at", "last_at"),
]
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("list_entries", sa.Column("contents", sa.String(), nullable=False, server_default="[]"))
    op.add_column("list_entries", sa.Column("incident", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "incidents",
        *(_text(name) for name in ("id", "about", "kind", "repo", "commit", "content", "reason", "state", "entry_id")),
        *(_text(name) for name in ("opened_by", "lifted_by", "lift_reason", "hit")),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("lifted_at", _MOMENT),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_incidents_state", "incidents", ["state", "id"])
    op.create_table(
        "incident_teams",
        *(_text(name) for name in ("incident_id", "team", "acknowledged_by", "cleaned_by", "note")),
        sa.Column("acknowledged_at", _MOMENT),
        sa.Column("cleaned_at", _MOMENT),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"]),
        sa.PrimaryKeyConstraint("incident_id", "team"),
    )
    op.create_index("ix_incident_teams_team", "incident_teams", ["team", "incident_id"])
    op.create_table(
        "incident_steps",
        *(_text(name) for name in ("id", "incident_id", "step", "by", "said")),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_incident_steps_incident", "incident_steps", ["incident_id", "id"])
    op.create_table(
        "descents",
        *(_text(name) for name in ("ancestor", "repo", "relation", "through")),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"]),
        sa.PrimaryKeyConstraint("ancestor", "repo", "snapshot_id"),
    )
    op.create_index("ix_descents_snapshot_id", "descents", ["snapshot_id"])
    fill = op.create_table(
        "descent_fill",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
    )
    op.bulk_insert(fill, [{"id": 1, "snapshot_id": 0, "done": False}])
    op.create_index("ix_snapshots_sha", "snapshots", ["sha"])
    op.create_index("ix_audit_uses_counted", "audit_uses", _COUNTED)
    op.create_index(
        "ix_audit_asks_name", "audit_asks", ["repo", "last_at"], postgresql_ops={"repo": "text_pattern_ops"}
    )


def downgrade() -> None:
    op.drop_index("ix_audit_asks_name", "audit_asks")
    op.drop_index("ix_audit_uses_counted", "audit_uses")
    op.drop_index("ix_snapshots_sha", "snapshots")
    for table in ("descent_fill", "descents", "incident_steps", "incident_teams", "incidents"):
        op.drop_table(table)
    # An entry of a content would block everything once nobody reads its content: it ends, and is said to.
    op.execute(
        "UPDATE list_entries SET ended_at = created_at, ended_by = 'curator (older version)' WHERE contents <> '[]' "
        "AND ended_at IS NULL"
    )
    for column in ("incident", "contents"):
        op.drop_column("list_entries", column)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False, server_default="")

"""What people ask for, and what was answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_requests"
down_revision = "0015_notices"

_WORDS = ("waivers", "list_entries")
_READ = [
    *("waits", "since_s", "last_s", "requests", "requesters", "risk", "held", "id"),
    *("owners", "teams", "publisher", "family"),
]


def upgrade() -> None:
    op.create_table(
        "requests",
        _text("id"),
        _text("kind"),
        _text("repo"),
        _text("commit"),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        _text("decision"),
        _text("outcome"),
        _text("team"),
        _text("project"),
        _text("rules"),
        _text("files"),
        _moment("until", nullable=True),
        _text("state"),
        _moment("asked_at"),
        _moment("changed_at"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_requests_repo", "requests", ["kind", "repo", "state"])
    op.create_index("ix_requests_state", "requests", ["state", "id"])
    op.create_table(
        "requesters",
        _text("request_id"),
        _text("name"),
        _text("reason"),
        _moment("until", nullable=True),
        _moment("at"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"]),
        sa.PrimaryKeyConstraint("request_id", "name"),
    )
    op.create_index("ix_requesters_name", "requesters", ["name", "request_id"])
    op.create_table(
        "request_events",
        _text("id"),
        _text("request_id"),
        _text("step"),
        _text("by"),
        _text("said"),
        _moment("at"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_request_events_request", "request_events", ["request_id", "id"])
    _queue()
    for table in _WORDS:
        op.add_column(table, sa.Column("seconded_by", sa.String(), nullable=False, server_default="[]"))


def _queue() -> None:
    op.create_table(
        "review_items",
        *(_text(name) for name in ("id", "kind", "repo", "publisher", "family", "commit")),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        *(_text(name) for name in ("decision", "outcome", "rules", "owners", "teams")),
        sa.Column("held", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("requests", "requesters", "risk")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("since_s", "last_s")),
        sa.Column("waits", sa.Boolean(), nullable=False),
        _text("closed_by"),
        _text("closed_as"),
        _moment("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_review_items_repo", "review_items", ["kind", "repo"], unique=True)
    for name, columns in (
        ("waits", _READ),
        ("publisher", ["publisher", "waits", "since_s"]),
        ("family", ["family", "waits", "since_s"]),
    ):
        op.create_index(f"ix_review_items_{name}", "review_items", columns)
    op.create_table(
        "review_waiters",
        *(_text(name) for name in ("kind", "repo", "name", "team", "project", "commit", "decision")),
        sa.Column("first_s", sa.BigInteger(), nullable=False),
        sa.Column("last_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "repo", "name", "team", "project"),
    )
    op.create_table(
        "proposals",
        *(_text(name) for name in ("id", "item_id", "repo", "rules")),
        sa.Column("needs", sa.Integer(), nullable=False),
        *(_text(name) for name in ("verdict", "agreed", "state")),
        _moment("at"),
        _moment("expires_at"),
        _text("ended_by"),
        _text("said"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_proposals_item_id", "proposals", ["item_id"])
    op.create_index("ix_proposals_state", "proposals", ["state", "id"])


def downgrade() -> None:
    for table in _WORDS:
        op.drop_column(table, "seconded_by")
    for table in ("proposals", "review_waiters", "review_items", "request_events", "requesters", "requests"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

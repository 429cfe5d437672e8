"""Where notices go, and which were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_notices"
down_revision = "0014_record"

_WHEN = sa.DateTime(timezone=True)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null)


def _when(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, _WHEN, nullable=null)


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String(), primary_key=True),
        _text("type"),
        _when("at"),
        _text("ref"),
        _text("audience"),
        sa.Column("count", sa.Integer(), nullable=False),
        _when("open_until", null=True),
        _text("told_to", null=True),
        _when("last_at"),
        _text("document"),
        _text("title"),
        _text("body"),
        _text("path"),
    )
    op.create_index("ix_notices_type", "notices", ["type", "audience", "id"])
    op.create_index("ix_notices_ref", "notices", ["ref", "type"])
    op.create_index("ix_notices_open_until", "notices", ["open_until"])
    op.create_index("ix_notices_told_to", "notices", ["told_to"])
    op.create_table(
        "notice_readers",
        sa.Column("user_id", sa.String(), primary_key=True),
        sa.Column("notice_id", sa.String(), sa.ForeignKey("notices.id"), primary_key=True),
        _when("read_at", null=True),
        sa.Column("digest", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_notice_readers_digest", "notice_readers", ["digest", "user_id", "notice_id"])
    op.create_index("ix_notice_readers_unread", "notice_readers", ["user_id", "read_at", "notice_id"])
    op.create_index("ix_notice_readers_notice_id", "notice_readers", ["notice_id"])
    op.create_table(
        "notice_choices",
        sa.Column("user_id", sa.String(), primary_key=True),
        _text("choices"),
        _text("about"),
        _text("repos"),
        _text("rhythm"),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("utc_offset", sa.Integer(), nullable=False),
        _when("changed_at"),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(), primary_key=True),
        _text("name"),
        _text("url"),
        _text("format"),
        _text("types"),
        _text("repos"),
        _text("team"),
        _text("sealed"),
        _text("sealed_before", null=True),
        _when("before_until", null=True),
        _when("created_at"),
        _text("created_by"),
        _when("failing_since", null=True),
        _when("paused_until", null=True),
        _when("disabled_at", null=True),
        _text("disabled_why", null=True),
        _when("ended_at", null=True),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("notice_id", sa.String(), sa.ForeignKey("notices.id"), nullable=False),
        _text("webhook_id", null=True),
        _text("user_id", null=True),
        _text("state"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _when("due_at"),
        _when("created_at"),
        _when("ended_at", null=True),
        sa.Column("status", sa.Integer()),
        _text("answer", null=True),
        _text("error", null=True),
    )
    op.create_index("ix_deliveries_notice_id", "deliveries", ["notice_id"])
    op.create_index("ix_deliveries_webhook", "deliveries", ["webhook_id", "id"])
    op.create_index("ix_deliveries_state", "deliveries", ["state", "id"])
    op.create_index("ix_deliveries_due", "deliveries", ["state", "webhook_id", "due_at"])
    op.create_table("notice_marks", sa.Column("key", sa.String(), primary_key=True), _text("value"), _when("at"))
    # Nobody is told of what happened before there were notices.
    op.execute("INSERT INTO audit_followers (name, seq) SELECT 'notices', seq FROM audit_head")


def downgrade() -> None:
    op.execute("DELETE FROM audit_followers WHERE name = 'notices'")
    for table in ("notice_marks", "deliveries", "webhooks", "notice_choices", "notice_readers", "notices"):
        op.drop_table(table)

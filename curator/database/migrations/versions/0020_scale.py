"""Indices that pages of a large mirror want."""

from __future__ import annotations

from alembic import op

revision = "0020_scale"
down_revision = "0019_repeated"

_LISTED = ("id", "job", "revoked_at", "expires_at", "user_id", "team", "name", "description")


def upgrade() -> None:
    op.create_index("ix_audit_top_downloads", "audit_top", ["day", "downloads"])
    op.create_index("ix_tokens_listed", "tokens", [*_LISTED])


def downgrade() -> None:
    op.drop_index("ix_tokens_listed", "tokens")
    op.drop_index("ix_audit_top_downloads", "audit_top")

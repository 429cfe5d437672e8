"""What is known of each repository, as the console lists it; filled afterwards from the decisions there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_catalogue"
down_revision = "0017_incidents"

_MOMENT = sa.DateTime(timezone=True)
_TEXTS = ("name", "sha", "decision", "facts_id", "outcome", "family")
_KEY = ("name", "kind", "audience")
_FILTERED = ("outcome", "rule_set", "scanner", "expires_at", "task", "licence_class", "size_class", "formats")
_COUNTED = ("alike", "audience", "outcome", "rule_set", "scanner", "expires_at", "publisher", "name")


def upgrade() -> None:
    op.create_table(
        "catalogue",
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("repo", sa.String(), primary_key=True),
        sa.Column("audience", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in _TEXTS),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("rule", "rule_set", "scanner", "publisher")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("task", "library", "licence", "licence_class")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("size_class", "formats", "alike", "risk")),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("of_main", sa.Boolean(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("size", "parameters", "downloads", "likes")),
        sa.Column("used", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("allowed_sha", sa.String()),
        sa.Column("decided_at", _MOMENT, nullable=False),
        *(sa.Column(name, _MOMENT) for name in ("expires_at", "allowed_at", "asked_at")),
    )
    for name, first in (("name", ()), ("used", ("used",)), ("newest", ("decision",))):
        op.create_index(f"ix_catalogue_{name}", "catalogue", [*first, *_KEY, *_FILTERED])
    op.create_index("ix_catalogue_publisher", "catalogue", ["publisher", *_KEY])
    op.create_index("ix_catalogue_alike", "catalogue", [*_COUNTED])
    op.create_index("ix_catalogue_snapshot_id", "catalogue", ["snapshot_id"])
    fill = op.create_table(
        "catalogue_fill",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
    )
    op.bulk_insert(fill, [{"id": 1, "snapshot_id": 0, "done": False}])


def downgrade() -> None:
    op.drop_table("catalogue_fill")
    op.drop_table("catalogue")

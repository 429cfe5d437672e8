"""What callers are told that branches stand for, by all server processes alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_branch_sessions"
down_revision = "0005_ref_kind"


def upgrade() -> None:
    op.create_table(
        "branch_sessions",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_branch_sessions_began_at", "branch_sessions", ["began_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_branch_sessions_began_at", table_name="branch_sessions")
    op.drop_table("branch_sessions")

"""Accounts that are one person, links to sign in by the provider, and sessions that end with those at the provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024_people"
down_revision = "0023_secret_key"


def upgrade() -> None:
    op.add_column("users", sa.Column("person", sa.String(), nullable=True))
    op.create_index("ix_users_person", "users", ["person"])
    op.add_column("invitations", sa.Column("purpose", sa.String(), nullable=False, server_default="password"))
    op.add_column("sessions", sa.Column("sid", sa.String(), nullable=True))
    op.create_index("ix_sessions_sid", "sessions", ["sid"])
    op.create_table(
        "logout_tokens",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_logout_tokens_ends_at", "logout_tokens", ["ends_at"])


def downgrade() -> None:
    op.drop_table("logout_tokens")
    op.drop_index("ix_sessions_sid", "sessions")
    op.execute("DELETE FROM invitations WHERE purpose <> 'password'")
    op.drop_index("ix_users_person", "users")
    for table, column in (("sessions", "sid"), ("invitations", "purpose"), ("users", "person")):
        with op.batch_alter_table(table) as changed:
            changed.drop_column(column)

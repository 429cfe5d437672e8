"""Which secret key the database's secrets are sealed with, by a fingerprint of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_secret_key"
down_revision = "0022_mailboxes"


def upgrade() -> None:
    op.create_table(
        "secret_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("secret_key")

"""The record is a chain; who follows it; what may be deleted, and what is held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_record"
down_revision = "0013_sign_in"

_NEW = (("seq", sa.BigInteger()), ("subject", sa.String()), ("size", sa.BigInteger()), ("job", sa.String()))


def upgrade() -> None:
    for name, kind in _NEW:
        op.add_column("audit", sa.Column(name, kind))
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "audit_followers",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    _number_what_there_is()
    op.create_index("ix_audit_seq", "audit", ["seq"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_audit_seq", "audit")
    op.drop_table("audit_followers")
    op.drop_table("audit_head")
    for name, _ in _NEW:
        op.drop_column("audit", name)


def _number_what_there_is() -> None:
    """In the order of time, which their ids have."""
    op.execute("UPDATE audit SET seq = (SELECT COUNT(*) FROM audit AS earlier WHERE earlier.id <= audit.id)")
    op.execute("INSERT INTO audit_head (id, seq) SELECT 1, COALESCE(MAX(seq), 0) FROM audit")

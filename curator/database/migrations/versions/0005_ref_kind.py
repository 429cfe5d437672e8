"""Whether a name of a commit is a branch or a tag."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_ref_kind"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("refs", sa.Column("ref_kind", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("refs", "ref_kind")

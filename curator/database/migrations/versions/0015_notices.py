"""Where notices go, and which were sent."""

from __future__ import annotations

revision = "0015_notices"
down_revision = "0014_record"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass

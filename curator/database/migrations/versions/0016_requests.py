"""What people ask for, and what was answered."""

from __future__ import annotations

revision = "0016_requests"
down_revision = "0015_notices"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass

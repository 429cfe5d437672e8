"""What turned bad after it was served."""

from __future__ import annotations

revision = "0017_incidents"
down_revision = "0016_requests"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass

"""What is known of each repository, as the console lists it; who uses it."""

from __future__ import annotations

revision = "0018_catalogue"
down_revision = "0017_incidents"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass

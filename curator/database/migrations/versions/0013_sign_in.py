"""Sessions of the console, and attempts to begin one."""

from __future__ import annotations

revision = "0013_sign_in"
down_revision = "0012_people"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass

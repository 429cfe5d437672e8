"""Requests that were sent with a key, so that sending them again does nothing more."""

from __future__ import annotations

revision = "0019_repeated"
down_revision = "0018_catalogue"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass

"""People, teams, projects; tokens that belong to somebody and end."""

from __future__ import annotations

from alembic import op

revision = "0012_people"
down_revision = "0011_indices"


def upgrade() -> None:
    op.execute("UPDATE tokens SET role = 'developer' WHERE role = 'reader'")


def downgrade() -> None:
    op.execute("UPDATE tokens SET role = 'reader' WHERE role <> 'admin'")

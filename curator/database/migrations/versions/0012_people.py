"""People, teams, projects; tokens that belong to somebody and end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_people"
down_revision = "0011_indices"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False, unique=True),
        sa.Column("full_name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("disabled_at", _MOMENT),
        sa.Column("disabled_by", sa.String()),
        sa.Column("last_seen_at", _MOMENT),
        sa.Column("issuer", sa.String()),
        sa.Column("subject", sa.String()),
        sa.UniqueConstraint("issuer", "subject", name="uq_users_identity"),
    )
    op.create_table(
        "teams",
        sa.Column("name", sa.String(), primary_key=True),
        *_what_ends(),
    )
    op.create_table(
        "projects",
        sa.Column("team", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        *_what_ends(),
    )
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.String(), sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("team", sa.String(), primary_key=True),
        sa.Column("added_at", _MOMENT, nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
    )
    op.create_index("ix_memberships_team", "memberships", ["team"])
    for column in _of_tokens():
        op.add_column("tokens", column)
    op.create_index("ix_tokens_user_id", "tokens", ["user_id", "id"])
    op.create_index("ix_tokens_name", "tokens", ["name"])
    op.create_index("ix_tokens_team", "tokens", ["team", "revoked_at"])
    op.execute("UPDATE tokens SET role = 'developer' WHERE role = 'reader'")


def downgrade() -> None:
    # What is worth nothing now must not come to life again where nobody knows of ends and owners.
    op.execute(
        "UPDATE tokens SET revoked_at = CURRENT_TIMESTAMP WHERE revoked_at IS NULL AND (expires_at IS NOT NULL "
        "OR user_id IN (SELECT id FROM users WHERE disabled_at IS NOT NULL))"
    )
    op.execute(
        "UPDATE tokens SET role = 'reader' WHERE role <> 'admin' "
        "OR user_id IN (SELECT id FROM users WHERE role <> 'admin')"
    )
    op.drop_index("ix_tokens_team", "tokens")
    op.drop_index("ix_tokens_name", "tokens")
    op.drop_index("ix_tokens_user_id", "tokens")
    for column in _of_tokens():
        op.drop_column("tokens", column.name)
    for table in ("memberships", "projects", "teams", "users"):
        op.drop_table(table)


def _what_ends() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("ended_by", sa.String()),
    )


def _of_tokens() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("user_id", sa.String()),
        sa.Column("description", sa.String(), nullable=False, server_default=""),
        sa.Column("created_by", sa.String(), nullable=False, server_default=""),
        sa.Column("expires_at", _MOMENT),
        sa.Column("last_used_at", _MOMENT),
        sa.Column("revoked_by", sa.String()),
        sa.Column("job", sa.String(), nullable=False, server_default=""),
    )

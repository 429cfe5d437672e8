"""Facts apart from decisions, decisions for an audience, the organisation's own decisions, teams and projects."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0007_judgement"
down_revision = "0006_branch_sessions"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("scanner", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_facts_newest", "facts", ["snapshot_id", "id"])
    _facts_of_their_own()
    with op.batch_alter_table("decisions") as table:
        table.alter_column("facts", new_column_name="facts_id")
    with op.batch_alter_table("decisions") as table:
        table.drop_index("ix_decisions_current")
        table.add_column(sa.Column("audience", sa.String(), nullable=False, server_default=""))
        table.create_foreign_key("fk_decisions_facts_id", "facts", ["facts_id"], ["id"])
        table.create_index("ix_decisions_current", ["snapshot_id", "rule_set", "scanner", "audience", "id"])
        table.create_index("ix_decisions_facts_id", ["facts_id"])
    # What was open is asked for again by whoever waits for it.
    op.drop_table("admissions")
    op.create_table(
        "admissions",
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("rule_set", sa.String(), nullable=False),
        sa.Column("scanner", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"]),
        sa.PrimaryKeyConstraint("snapshot_id", "rule_set", "scanner", "audience"),
    )
    op.create_index("ix_admissions_open", "admissions", ["open"])
    for name in ("tokens", "audit"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("team", sa.String(), nullable=False, server_default=""))
            table.add_column(sa.Column("project", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "rule_set_changes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["rule_sets.digest"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "waivers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("fingerprints", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("repo", sa.String(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        *_word(),
    )
    op.create_index("ix_waivers_expires_at", "waivers", ["expires_at"])
    op.create_table(
        "list_entries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column("repositories", sa.String(), nullable=False),
        sa.Column("kinds", sa.String(), nullable=False),
        sa.Column("commits", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        *_word(),
    )
    op.create_index("ix_list_entries_expires_at", "list_entries", ["expires_at"])


def downgrade() -> None:
    op.drop_table("list_entries")
    op.drop_table("waivers")
    op.drop_table("rule_set_changes")
    for name in ("tokens", "audit"):
        with op.batch_alter_table(name) as table:
            table.drop_column("project")
            table.drop_column("team")
    op.drop_table("admissions")
    op.create_table(
        "admissions",
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("rule_set", sa.String(), nullable=False),
        sa.Column("scanner", sa.String(), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"]),
        sa.PrimaryKeyConstraint("snapshot_id", "rule_set", "scanner"),
    )
    op.create_index("ix_admissions_open", "admissions", ["open"])
    with op.batch_alter_table("decisions") as table:
        table.drop_index("ix_decisions_facts_id")
        table.drop_index("ix_decisions_current")
        table.drop_constraint("fk_decisions_facts_id", type_="foreignkey")
        table.alter_column("facts_id", new_column_name="facts")
        table.drop_column("audience")
        table.create_index("ix_decisions_current", ["snapshot_id", "rule_set", "scanner", "id"])
    op.execute("UPDATE decisions SET facts = (SELECT facts.facts FROM facts WHERE facts.id = decisions.facts)")
    op.drop_table("facts")


def _word() -> tuple[sa.Column | sa.PrimaryKeyConstraint, ...]:  # type: ignore[type-arg]
    """The columns of somebody's word: for whom, why, by whom, until when."""
    return (
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def _facts_of_their_own() -> None:
    """Each decision's facts get a row under the decision's id, which takes the place of the document."""
    connection = op.get_bind()
    decisions = sa.table(
        "decisions",
        sa.column("id", sa.String()),
        sa.column("snapshot_id", sa.Integer()),
        sa.column("scanner", sa.String()),
        sa.column("facts", sa.String()),
        sa.column("at", _MOMENT),
    )
    facts = sa.table(
        "facts",
        sa.column("id", sa.String()),
        sa.column("snapshot_id", sa.Integer()),
        sa.column("scanner", sa.String()),
        sa.column("digest", sa.String()),
        sa.column("facts", sa.String()),
        sa.column("at", _MOMENT),
    )
    ids = connection.execute(sa.select(decisions.c.id)).scalars().all()
    for decision_id in ids:
        row = connection.execute(sa.select(decisions).where(decisions.c.id == decision_id)).mappings().one()
        said = {name: value for name, value in json.loads(row["facts"]).items() if name != "observed_at"}
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        connection.execute(facts.insert().values(**row, digest=digest))
    connection.execute(decisions.update().values(facts=decisions.c.id))

"""The record is a chain; who follows it, and what is made of it; what may be deleted, and what is held."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from curator.database.chain import FIRST, link
from curator.database.engine import Utc

revision = "0014_record"
down_revision = "0013_sign_in"

_NEW: tuple[tuple[str, Any], ...] = (
    ("seq", sa.BigInteger()),
    ("subject", sa.String()),
    ("size", sa.BigInteger()),
    ("token", sa.String()),
    ("job", sa.String()),
)
_TEXTS = ("action", "actor", "team", "project", "kind", "repo", "revision", "commit", "path", "blob", "outcome")
_MORE_TEXTS = ("decision", "rules", "subject", "token", "job", "sentence", "address", "user_agent")
_AUDIT = sa.table(
    "audit",
    sa.column("id", sa.String()),
    sa.column("seq", sa.BigInteger()),
    sa.column("at", Utc()),
    *(sa.column(name, sa.String()) for name in (*_TEXTS, *_MORE_TEXTS)),
    sa.column("size", sa.BigInteger()),
    sa.column("form", sa.Integer()),
    sa.column("chain", sa.LargeBinary()),
)
_BATCH = 5_000
_INDICES = ("action", "actor", "team", "repo")
_MADE = ("uses", "used_blobs", "asks", "asked", "hours", "traffic", "top")
_KEPT = ("head", "followers", "keys", "seals", "gaps", "holds", "checks", "settings")


def upgrade() -> None:
    for name, kind in _NEW:
        op.add_column("audit", sa.Column(name, kind))
    op.add_column("audit", sa.Column("form", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("audit", sa.Column("chain", sa.LargeBinary(), nullable=False, server_default=sa.text("''")))
    _make_what_is_kept()
    _make_what_is_made()
    _chain_what_there_is()
    op.create_index("ix_audit_seq", "audit", ["seq"], unique=True)
    op.drop_index("ix_audit_action", "audit")
    for name in _INDICES:
        op.create_index(f"ix_audit_of_{name}", "audit", [name, "seq"])
    _forbid()


def downgrade() -> None:
    _allow()
    for name in _INDICES:
        op.drop_index(f"ix_audit_of_{name}", "audit")
    op.create_index("ix_audit_action", "audit", ["action"])
    op.drop_index("ix_audit_seq", "audit")
    for name in (*_MADE, *_KEPT):
        op.drop_table(f"audit_{name}")
    for name in ("chain", "form", *(name for name, _ in _NEW)):
        op.drop_column("audit", name)


def _text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), primary_key=key, nullable=null)


def _number(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), primary_key=key, nullable=False, autoincrement=False)


def _moment(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), primary_key=key, nullable=null)


def _bytes(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _make_what_is_kept() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), primary_key=True),
        _number("seq"),
        _bytes("chain"),
        sa.Column("deleting", sa.Boolean(), nullable=False),
    )
    op.create_table("audit_followers", _text("name", key=True), _number("seq"))
    op.create_table("audit_keys", _text("public", key=True), _text("private"), _moment("made_at"))
    op.create_table(
        "audit_seals", _number("seq", key=True), _bytes("chain"), _moment("at"), _text("key"), _bytes("signature")
    )
    op.create_table(
        "audit_gaps",
        _number("first", key=True),
        _number("last"),
        _bytes("before"),
        _bytes("after"),
        _moment("oldest"),
        _moment("newest"),
        _moment("at"),
        _text("key"),
        _bytes("signature"),
    )
    op.create_table(
        "audit_holds",
        _text("id", key=True),
        _text("repo"),
        _text("actor"),
        _text("team"),
        _moment("since", null=True),
        _moment("until", null=True),
        _text("reason"),
        _text("placed_by"),
        _moment("placed_at"),
        _text("ended_by", null=True),
        _moment("ended_at", null=True),
        _text("end_reason", null=True),
    )
    op.create_table(
        "audit_checks",
        sa.Column("id", sa.Integer(), primary_key=True),
        _moment("at"),
        _number("rows"),
        _number("problems"),
        _text("sentence"),
    )
    op.create_table("audit_settings", _text("server", key=True), _text("name", key=True), _text("value"))


def _make_what_is_made() -> None:
    op.create_table(
        "audit_uses",
        _text("id", key=True),
        *(_text(name) for name in ("kind", "repo", "commit", "actor", "token", "team", "project", "job")),
        _moment("first_at"),
        _moment("last_at"),
        _number("files"),
        _number("bytes"),
        _text("address"),
        _text("user_agent"),
    )
    op.create_index("ix_audit_uses_repo", "audit_uses", ["kind", "repo", "last_at", "id"])
    op.create_index("ix_audit_uses_commit", "audit_uses", ["kind", "repo", "commit", "last_at", "id"])
    op.create_index("ix_audit_uses_name", "audit_uses", ["repo", "last_at"])
    op.create_index("ix_audit_uses_actor", "audit_uses", ["actor", "last_at", "id"])
    op.create_table("audit_used_blobs", *(_text(name, key=True) for name in ("blob", "kind", "repo", "commit")))
    op.create_table(
        "audit_asks",
        _text("id", key=True),
        *(_text(name) for name in ("kind", "repo", "commit", "actor", "team", "project")),
        _moment("first_at"),
        _moment("last_at"),
        _number("times"),
        _text("outcome"),
        _text("address"),
        _text("user_agent"),
    )
    op.create_index("ix_audit_asks_commit", "audit_asks", ["kind", "repo", "commit", "last_at", "id"])
    op.create_table(
        "audit_asked",
        *(_text(name, key=True) for name in ("kind", "repo", "commit")),
        sa.Column("requesters", sa.Integer(), nullable=False),
        _number("times"),
        _moment("first_at"),
        _moment("last_at"),
    )
    op.create_table("audit_hours", _moment("hour", key=True), _number("first"), _number("last"))
    op.create_table(
        "audit_traffic",
        _moment("hour", key=True),
        _text("action", key=True),
        _text("outcome", key=True),
        _number("requests"),
        _number("bytes"),
    )
    op.create_table(
        "audit_top",
        sa.Column("day", sa.Date(), primary_key=True),
        _text("kind", key=True),
        _text("repo", key=True),
        *(_number(name) for name in ("downloads", "bytes", "refusals")),
    )


def _chain_what_there_is() -> None:
    """In the order of time, which their ids have; some thousands at once, since there may be ten million."""
    connection = op.get_bind()
    change = (
        sa.update(_AUDIT)
        .where(_AUDIT.c.id == sa.bindparam("of"))
        .values(seq=sa.bindparam("to_seq"), chain=sa.bindparam("to_chain"))
    )
    seq, chain, after = 0, FIRST, ""
    while True:
        batch = sa.select(_AUDIT).where(_AUDIT.c.id > after).order_by(_AUDIT.c.id).limit(_BATCH)
        rows = connection.execute(batch).mappings().all()
        if not rows:
            break
        changes = []
        for row in rows:
            seq += 1
            chain = link(chain, {**row, "seq": seq})
            changes.append({"of": row["id"], "to_seq": seq, "to_chain": chain})
        connection.execute(change, changes)
        after = rows[-1]["id"]
    head = sa.table("audit_head", *(sa.column(name) for name in ("id", "seq", "chain", "deleting")))
    connection.execute(sa.insert(head).values(id=1, seq=seq, chain=chain, deleting=False))


def _forbid() -> None:
    """Rows are added and nothing else, whoever asks; a retention says in its own transaction that it deletes."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
            "BEGIN SELECT RAISE(ABORT, 'rows of the record are never changed'); END"
        )
        op.execute(
            "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN NOT (SELECT deleting FROM audit_head) "
            "BEGIN SELECT RAISE(ABORT, 'rows of the record are deleted by its retention alone'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'DELETE' AND (SELECT deleting FROM audit_head) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'rows of the record are never changed, and deleted by its retention alone'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
    )
    op.execute(
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def _allow() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_no_update")
        op.execute("DROP TRIGGER audit_no_delete")
        return
    op.execute("DROP TRIGGER audit_no_change ON audit")
    op.execute("DROP TRIGGER audit_no_truncate ON audit")
    op.execute("DROP FUNCTION audit_refuse()")

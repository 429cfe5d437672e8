"""Add to the record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, insert, update
from sqlmodel import Session, col, select

from curator.audit.asking import asks
from curator.audit.tables import AuditHeadRow, AuditRow
from curator.database.chain import FORM, link
from curator.database.engine import Database, new_id, now
from curator.redaction import without_secrets
from curator.types import RepoKind

_LONGEST_TEXT = 2_000
_Name = Literal["team", "project", "token", "job", "address", "user_agent"]


class Action(StrEnum):
    DOWNLOAD = "download"
    """A file's bytes were asked for and are sent."""
    REFUSE = "refuse"
    """Something was asked for and not given."""
    DECIDE = "decide"
    """A commit was judged."""
    CHANGE = "change"
    """A commit was judged anew, and otherwise than before."""
    SUBSTITUTE = "substitute"
    """A caller begins to be given another commit of a branch than the upstream's."""
    PIN = "pin"
    """An administrator pinned a branch to a commit, or let it go."""
    WAIVE = "waive"
    """Somebody gave a waiver; `rules` are those that it answers, `decision` the one that it answers."""
    WAIVER_USED = "waiver-used"
    """A decision was made that rests on a waiver, named first in the sentence; `rules` are those that it answers."""
    WAIVER_ENDED = "waiver-ended"
    """Somebody took a waiver back."""
    LIST = "list"
    """Somebody put repositories on a list: `repo` are the globs, `outcome` is `approve` or `block`."""
    LIST_ENDED = "list-ended"
    """Somebody took an entry of a list back."""
    UPSTREAM_TOKEN = "upstream-token"  # noqa: S105 - no token, but the name of what is done with one
    """A token for the upstream was kept or forgotten; `repo` is the pattern of repositories that it is for."""
    RULES = "rules"
    """Other rules came into force, or what was decided before has been judged anew under them; `rules` is a digest."""
    MISMATCH = "mismatch"
    """Bytes came that are not those that were judged."""
    SIGN_IN = "sign-in"
    """Somebody began a session of the console, or a pipeline was given a token; `outcome` is the way, or `refused`."""
    SIGN_OUT = "sign-out"
    """A session of the console was ended; `outcome` says by whom."""
    USER = "user"
    """A person was made, changed or disabled, `subject` is his name; `outcome` is what was done."""
    TEAM = "team"
    """A team or project was made, changed or ended, or who is in it; `subject` is its name."""
    TOKEN = "token"  # noqa: S105 - no token, but the name of what is done with one
    """A token was made, has ended or was revoked; `subject` is its name."""
    REQUEST = "request"
    """Somebody asked for an exception, or wants it no longer, or it ended by itself; `subject` is the request's id,
    `outcome` a `review.states.Step`."""
    ANSWER = "answer"
    """Somebody answered a request: `outcome` is `approve`, `approve-in-part` (something else still stands), `reject`,
    `block`, `ask`, `second` (another must agree) or `lapse` (nobody else has agreed in time)."""
    WAIVER_ENDING = "waiver-ending"
    """A waiver or an approval is about to end; `subject` is its id."""
    INCIDENT = "incident"
    """Something that was served is not served any more, because it turned bad; `subject` is the incident's id."""
    EVIDENCE = "evidence"
    """Somebody took an evidence pack; `subject` is what it is about."""
    EXPORT = "export"
    """Somebody exported the record."""
    RETENTION = "retention"
    """Rows that are past their time were deleted; `subject` says which."""
    LEGAL_HOLD = "legal-hold"
    """Somebody put a legal hold on part of the record, or ended it; `subject` is its id."""
    NOTIFY = "notify"
    """A webhook or a subscription was made, changed or ended; `subject` is its name."""
    SETTINGS = "settings"
    """A server started with other settings than before; the sentence names them."""
    HEALTH = "health"
    """The upstream went down or came back, a disk is near full; `subject` is which, `outcome` is `bad` or `good`."""
    SCANNERS = "scanners"
    """Another version of the scanners or of their data judges from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What happened; the fields are those of `AuditRow`."""

    action: Action
    actor: str
    team: str = ""
    project: str = ""
    kind: RepoKind | None
    """None: of every kind."""
    repo: str
    outcome: str
    revision: str | None = None
    commit: str | None = None
    path: str | None = None
    blob: str | None = None
    decision: str | None = None
    rules: str | None = None
    subject: str | None = None
    size: int | None = None
    token: str | None = None
    job: str | None = None
    sentence: str | None = None
    address: str | None = None
    user_agent: str | None = None
    id: str = field(default_factory=new_id)
    at: dt.datetime = field(default_factory=now)

    def __post_init__(self) -> None:
        asking = asks.get()
        if asking is not None and asking["actor"] == self.actor and self.address is None:
            for name in _OF_WHO_ASKS:
                object.__setattr__(self, name, getattr(self, name) or asking[name])


_OF_WHO_ASKS: tuple[_Name, ...] = ("team", "project", "token", "job", "address", "user_agent")


def append(session: Session, event: AuditEvent) -> None:
    """Add the event within the caller's transaction: it stands if and only if what it speaks of does."""
    add_rows(session.connection(), [event])


def add_rows(connection: Connection, events: Sequence[AuditEvent]) -> None:
    """Add events within the caller's transaction, which is a writer: their numbers follow each other without a gap, and
    each row is a link of the chain."""
    head = connection.execute(_HEAD).one()
    seq, chain = head.seq, bytes(head.chain)
    rows = []
    for event in events:
        seq += 1
        row = _row(event, seq)
        row["chain"] = chain = link(chain, row)
        rows.append(row)
    connection.execute(_ADD, rows)
    connection.execute(_MOVE_HEAD, {"to_seq": seq, "to_chain": chain})


_HEAD = select(AuditHeadRow.seq, AuditHeadRow.chain).where(col(AuditHeadRow.id) == 1)
_ADD = insert(AuditRow.__table__)  # type: ignore[attr-defined]
_MOVE_HEAD = (
    update(AuditHeadRow).where(col(AuditHeadRow.id) == 1).values(seq=bindparam("to_seq"), chain=bindparam("to_chain"))
)


def _row(event: AuditEvent, seq: int) -> dict[str, Any]:
    # Whoever reads the record, or what it is sent to, gets no token that somebody put into an address or a reason.
    row: dict[str, Any] = {
        name: without_secrets(value)[:_LONGEST_TEXT] if isinstance(value := getattr(event, name), str) else value
        for name in _FIELDS
    }
    return row | {
        "action": event.action.value,
        "kind": event.kind.value if event.kind else "",
        "seq": seq,
        "form": FORM,
    }


_FIELDS = tuple(item.name for item in fields(AuditEvent))


def newest(database: Database, limit: int) -> list[AuditRow]:
    with database.read() as session:
        return list(session.exec(select(AuditRow).order_by(col(AuditRow.id).desc()).limit(limit)))

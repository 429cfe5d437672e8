"""Sessions of the console: begun at sign-in, ended by time, by whoever may, or with what they were begun with."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from curator.audit.record import Action
from curator.database.engine import Database, new_id, now
from curator.errors import CuratorError
from curator.people.bearer import TokenEnded, caller_by_id
from curator.people.by import By
from curator.people.caller import Caller
from curator.people.names import NoSuchName
from curator.people.recording import record
from curator.people.sign_in_tables import SessionRow
from curator.people.tables import UserRow
from curator.people.users import user_by_id

_SEEN_EVERY = dt.timedelta(minutes=1)
"""So often it is written down that somebody is there, for it is a write; more often where sessions are idle sooner."""
_LONGEST_AGENT = 200


class NoSession(CuratorError):
    """A session was named that is not, or no longer, there."""

    status = 404


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long sessions last: as a whole, and without a page being asked for."""

    whole: dt.timedelta
    idle: dt.timedelta


@dataclass(frozen=True, slots=True)
class Sitting:
    """A session as whoever may end it sees it."""

    id: str
    user: str
    way: str
    began_at: dt.datetime
    seen_at: dt.datetime
    ends_at: dt.datetime
    address: str
    user_agent: str
    own: bool
    """Whether it is that of whoever looks."""

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "user": self.user,
            "way": self.way,
            "began_at": self.began_at.isoformat(timespec="seconds"),
            "seen_at": self.seen_at.isoformat(timespec="seconds"),
            "ends_at": self.ends_at.isoformat(timespec="seconds"),
            "address": self.address,
            "user_agent": self.user_agent,
            "own": self.own,
        }


def begin(session: Session, caller: Caller, way: str, lasting: Lasting, by: By, sid: str | None = None) -> str:
    """A new session; returns what its cookie is to have, which cannot be had again. `sid` is what the identity provider
    calls its own."""
    moment = now()
    # Whatever is over is of no use, and there would be no end of it.
    session.execute(delete(SessionRow).where(col(SessionRow.ends_at) < moment))
    cookie = secrets.token_urlsafe(32)
    session.add(
        SessionRow(
            id=new_id(),
            digest=_digest(cookie),
            user_id=caller.user_id,
            token_id=caller.token_id,
            role=caller.role.value,
            way=way,
            sid=sid,
            began_at=moment,
            seen_at=moment,
            ends_at=moment + lasting.whole,
            address=by.address or "",
            user_agent=(by.user_agent or "")[:_LONGEST_AGENT],
        )
    )
    return cookie


def caller_of(database: Database, cookie: str, lasting: Lasting) -> Caller | None:
    """Whom a cookie stands for at this moment; None if it is over, or never was one."""
    moment = now()
    with database.read() as session:
        row = session.exec(select(SessionRow).where(SessionRow.digest == _digest(cookie))).first()
        if row is None or row.ends_at <= moment or row.seen_at + lasting.idle <= moment:
            return None
        caller = _whose(session, row)
    if caller is None or caller.role != row.role:
        return None
    if row.seen_at + min(_SEEN_EVERY, lasting.idle / 4) <= moment:
        _saw(database, row.id, moment)
    return replace(caller, session_id=row.id, token_id=row.token_id)


def sittings(session: Session, caller: Caller, user_id: str | None = None) -> list[Sitting]:
    """Those of a person, or of the token that somebody asks with; the newest first."""
    wanted = user_id or caller.user_id
    mine = SessionRow.user_id == wanted if wanted else SessionRow.token_id == caller.token_id
    rows = session.exec(select(SessionRow).where(mine, SessionRow.ends_at > now()).order_by(col(SessionRow.id).desc()))
    return [_sitting(session, row, caller) for row in rows.fetchmany(100)]


def find(session: Session, session_id: str) -> SessionRow:
    """Raises `NoSession`."""
    row = session.get(SessionRow, session_id)
    if row is None:
        raise NoSession(f"There is no session {session_id[:32]!a}: it has ended already, or never was")
    return row


def is_of(row: SessionRow, caller: Caller) -> bool:
    """Whether a session is this caller's own."""
    return row.user_id == caller.user_id if caller.user_id else row.user_id is None and row.token_id == caller.token_id


def end(session: Session, row: SessionRow, outcome: str, by: By) -> None:
    """End one; `outcome` says how: `left`, `ended`, `provider` (it ended there)."""
    name = _name(session, row)
    session.delete(row)
    record(session, Action.SIGN_OUT, by, name, outcome, f"A session of {name} ended")


def end_others(session: Session, user_id: str, kept: str | None) -> None:
    """End all of a person's but one: of whoever knew the old password, too."""
    session.execute(delete(SessionRow).where(col(SessionRow.user_id) == user_id, col(SessionRow.id) != (kept or "")))


def _whose(session: Session, row: SessionRow) -> Caller | None:
    if row.token_id is not None:
        try:
            return caller_by_id(session, row.token_id)
        except (TokenEnded, NoSuchName):
            return None
    user = user_by_id(session, row.user_id or "")
    if user is None or not user.active:
        return None
    return Caller(user.login, user.role, None, user.team, user.project, user.id)


def _sitting(session: Session, row: SessionRow, caller: Caller) -> Sitting:
    return Sitting(
        row.id,
        _name(session, row),
        row.way,
        row.began_at,
        row.seen_at,
        row.ends_at,
        row.address,
        row.user_agent,
        row.id == caller.session_id,
    )


def _name(session: Session, row: SessionRow) -> str:
    caller = _whose(session, row)
    if caller is not None:
        return caller.name
    user = session.get(UserRow, row.user_id or "")
    return user.login if user is not None else "a token that has ended"


def _saw(database: Database, session_id: str, moment: dt.datetime) -> None:
    with database.write() as session:
        if (row := session.get(SessionRow, session_id)) is not None:
            row.seen_at = moment
            session.add(row)


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode(errors="replace")).hexdigest()

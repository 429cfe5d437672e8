"""A session that has ended at the identity provider ends here, too (OpenID Connect Back-Channel Logout 1.0).

The provider sends a logout token by itself, when somebody leaves it or is put out there. It is signed as its identity
tokens are, and is none: it has an event and no nonce, so that neither can be shown as the other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from sqlalchemy import delete
from sqlmodel import Session, col, select

from curator.database.engine import now
from curator.errors import UnknownToken
from curator.people import sessions
from curator.people.by import By
from curator.people.issuers import LEEWAY_S
from curator.people.sign_in_tables import LogoutTokenRow, SessionRow
from curator.people.tables import UserRow

EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TYPES = frozenset({"jwt", "logout+jwt", "application/logout+jwt"})
_LONGEST_S = 600.0
"""A logout token is for now: for so long it is remembered which were shown, and an older one is none."""
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Ended:
    """What the provider says has ended: one session of it, or all of somebody."""

    issuer: str
    jti: str
    subject: str | None
    sid: str | None
    until: dt.datetime
    """After which the same token is refused for its age."""


def read(header: Mapping[str, Any], claims: Mapping[str, Any], issuer: str, client_id: str, moment: float) -> Ended:
    """What a logout token says that the provider has signed; `moment` is now, in seconds since 1970.

    Raises `ValueError` that says why it is none (section 2.6), for the record and the log.
    """
    audience, events = claims.get("aud"), claims.get("events")
    issued, ends = claims.get("iat"), claims.get("exp")
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise ValueError("it is a token of another type (typ)")
    if claims.get("iss") != issuer:
        raise ValueError("it is not of the provider (iss)")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise ValueError("it is for somebody else (aud)")
    says = isinstance(events, dict) and isinstance(events.get(EVENT), dict)
    if not says:
        raise ValueError("it says of nothing that it has ended (events)")
    if "nonce" in claims:
        raise ValueError("it has a nonce, as identity tokens have")
    if not _is_time(issued) or not issued - LEEWAY_S <= moment <= issued + _LONGEST_S:
        raise ValueError("it is not of now (iat)")
    if ends is not None and (not _is_time(ends) or moment > ends + LEEWAY_S):
        raise ValueError("it has ended (exp)")
    jti, subject, sid = name_of(claims, "jti"), name_of(claims, "sub"), name_of(claims, "sid")
    if jti is None:
        raise ValueError("it has no id (jti)")
    if subject is None and sid is None:
        raise ValueError("it says neither whose nor which session has ended (sub, sid)")
    return Ended(issuer, jti, subject, sid, dt.datetime.fromtimestamp(issued + _LONGEST_S + LEEWAY_S, dt.UTC))


def end(session: Session, ended: Ended, by: By) -> int:
    """End the sessions here that began with those there; returns how many. Raises `UnknownToken` for a token that was
    shown before; in the caller's transaction, which is a writer."""
    session.execute(delete(LogoutTokenRow).where(col(LogoutTokenRow.ends_at) < now()))
    digest = hashlib.sha256(f"{ended.issuer}\0{ended.jti}".encode(errors="replace")).hexdigest()
    if session.get(LogoutTokenRow, digest) is not None:
        raise UnknownToken("This logout token was shown before: nothing was done")
    session.add(LogoutTokenRow(digest=digest, ends_at=ended.until))
    query = select(SessionRow).where(SessionRow.way == "oidc")
    if ended.sid is not None:
        query = query.where(SessionRow.sid == ended.sid)
    if ended.subject is not None:
        whose = select(UserRow.id).where(UserRow.issuer == ended.issuer, UserRow.subject == ended.subject)
        query = query.where(col(SessionRow.user_id).in_(whose))
    rows = session.exec(query).all()
    for row in rows:
        sessions.end(session, row, "provider", by)
    return len(rows)


def name_of(claims: Mapping[str, Any], claim: str) -> str | None:
    """A claim that is a name, neither empty nor endless."""
    value = claims.get(claim)
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME else None


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1 << 40

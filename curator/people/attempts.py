"""Attempts to sign in: counted where all processes see them, and waited for longer the more of them failed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import delete
from sqlmodel import Session, col

from curator.database.engine import now
from curator.people.passwords import TooMany
from curator.people.sign_in_tables import AttemptRow

_FORGOTTEN_AFTER = dt.timedelta(hours=1)
_LONGEST_WAIT_S = 900


@dataclass(frozen=True, slots=True)
class Counted:
    """What attempts are counted by."""

    key: str
    free: int
    """How many may fail one after the other before one has to wait."""

    @classmethod
    def account(cls, login: str, address: str | None) -> Self:
        """By a name and where they come from, whether or not there is anybody of that name: who guesses at it from
        elsewhere keeps nobody out who is named so."""
        return cls(_digest("account", f"{address or ''}\0{login.casefold()}"), 5)

    @classmethod
    def everywhere(cls, login: str) -> Self:
        """By a name alone: many who guess from many addresses are slowed down, at the price that whoever is named so
        may be, too (NIST SP 800-63B 5.2.2 wants it after 100 at the latest)."""
        return cls(_digest("everywhere", login.casefold()), 50)

    @classmethod
    def address(cls, address: str | None) -> Self:
        """By where they come from; a whole office may come from one address."""
        return cls(_digest("address", address or ""), 30)

    @classmethod
    def identity(cls, issuer: str, subject: str) -> Self:
        """By whom an issuer has signed for: what he shows is worth nothing here, and is nobody else's."""
        return cls(_digest("identity", f"{issuer}\0{subject}"), 30)

    @classmethod
    def unverified(cls, address: str | None) -> Self:
        """By where tokens come from that nobody has signed who is trusted; what is signed is not counted with them."""
        return cls(_digest("unverified", address or ""), 30)


def count(session: Session, counted: Iterable[Counted]) -> None:
    """Count an attempt before it is looked at, as one that fails, so that none at the same time is free.

    Raises `TooMany`, and then it is not to be looked at; in the caller's transaction, which is a writer.
    """
    moment = now()
    rows = [(one, session.get(AttemptRow, one.key)) for one in counted]
    waits = [(row.until - moment).total_seconds() for _, row in rows if row and row.until and row.until > moment]
    if waits:
        raise TooMany(int(max(waits)) + 1)
    session.execute(delete(AttemptRow).where(col(AttemptRow.last_at) < moment - _FORGOTTEN_AFTER))
    for one, row in rows:
        fresh = row is not None and row.last_at >= moment - _FORGOTTEN_AFTER
        failures = (row.failures if row is not None and fresh else 0) + 1
        over = failures - one.free
        wait = dt.timedelta(seconds=min(2 ** min(over, 20), _LONGEST_WAIT_S)) if over > 0 else None
        until = moment + wait if wait else None
        session.merge(AttemptRow(key=one.key, failures=failures, last_at=moment, until=until))


def forgive(session: Session, *, accounts: Sequence[Counted] = (), address: Counted | None = None) -> None:
    """It did not fail: what the account has failed before is forgotten, of the address this one attempt alone."""
    for account in accounts:
        if (row := session.get(AttemptRow, account.key)) is not None:
            session.delete(row)
    if address is not None and (row := session.get(AttemptRow, address.key)) is not None:
        row.failures = max(0, row.failures - 1)
        row.until = None if row.failures <= address.free else row.until
        session.add(row)


def _digest(kind: str, text: str) -> str:
    return hashlib.sha256(f"{kind}\0{text}".encode(errors="replace")).hexdigest()

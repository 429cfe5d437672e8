"""One secret key for all who share a database: it knows the key's fingerprint, and no other key seals or opens.

With a key each, every server would hold the seals of its neighbours for somebody else's, and none could open what
another has sealed.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import inspect
from sqlmodel import Field, Session, SQLModel

from curator.database.engine import Database, Utc, now
from curator.database.sealing import Seal
from curator.errors import BadSettings

_ONLY = 1


class OtherKey(BadSettings):
    """The key that is set here is not the one that the database knows."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where} is not the key that this database's secrets are sealed with: give all servers, workers and "
            "commands that share a database one CURATOR_SECRET_KEY, or change it for all with `curator key change`"
        )


class SecretKeyRow(SQLModel, table=True):
    """The key that is in use; one row, from the first start on."""

    __tablename__ = "secret_key"

    id: int = Field(primary_key=True)
    fingerprint: str
    """`Seal.fingerprint`; it tells nothing of the key."""
    since: dt.datetime = Field(sa_type=Utc)


def known(session: Session) -> SecretKeyRow | None:
    """Which key the database knows; None before the first start."""
    return session.get(SecretKeyRow, _ONLY)


def check(session: Session, seal: Seal) -> bool:
    """Whether the database knows a key, and it is this one. Raises `OtherKey`, and `KeyLost` if there is none here."""
    row = known(session)
    if row is None:
        return False
    if row.fingerprint != seal.fingerprint():
        raise OtherKey(seal.where)
    return True


def check_if_there(database: Database, seal: Seal) -> None:
    """The same for who may be there before the tables are: a worker that is started with the first server. Raises as
    `check`."""
    with database.read() as session:
        if inspect(session.connection()).has_table(SecretKeyRow.__tablename__):
            check(session, seal)


def hold(session: Session, seal: Seal) -> None:
    """Before anything is sealed: that it is with the one key, which a database that knows none learns now; in the
    caller's transaction, which is a writer. Raises as `check`."""
    if not check(session, seal):
        seal.make()
        session.add(SecretKeyRow(id=_ONLY, fingerprint=seal.fingerprint(), since=now()))


def replace(session: Session, seal: Seal) -> None:
    """From now on it is this key."""
    session.merge(SecretKeyRow(id=_ONLY, fingerprint=seal.fingerprint(), since=now()))

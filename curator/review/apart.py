"""Who asks and who decides are two people, through whatever door: queue, waiver or list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fnmatch import fnmatchcase

from sqlalchemy import exists
from sqlmodel import Session, col, or_, select

from curator.database.engine import now
from curator.errors import NotAllowed
from curator.people.roles import Permission, roles_that
from curator.people.tables import TokenRow, UserRow
from curator.review.states import STILL_OPEN, State, Step
from curator.review.tables import RequestEventRow, RequestRow

_DECIDERS = [role.value for role in roles_that(Permission.DECIDE)]
_STILL_HIS = dt.timedelta(days=30)
"""For so long what somebody has asked for is his own, also if he has withdrawn it since."""


def check_not_own(session: Session, kinds: Sequence[str], names: Sequence[str], by: str, *, several: bool) -> None:
    """Nobody approves what he has asked for, but who has nobody to turn to; `names` may be globs, `several` says that a
    rule wants several people. Raises `NotAllowed`."""
    own = next((repo for repo in _asked_by(session, by, kinds) if _any_is(names, repo)), None)
    if own is not None and (several or _others_decide(session, by)):
        raise NotAllowed(f"{by} has asked for {own}: somebody else who may decide is to answer that")


def decides_no_more(session: Session, names: Sequence[str]) -> str | None:
    """The first of these who was somebody that may decide, and is not any more."""
    return next((name for name in names if not _decides(session, name)), None)


def _asked_by(session: Session, by: str, kinds: Sequence[str]) -> list[str]:
    oldest = f"{int((now() - _STILL_HIS).timestamp() * 1_000):012x}"
    asked = exists().where(
        col(RequestEventRow.request_id) == RequestRow.id,
        col(RequestEventRow.by) == by,
        col(RequestEventRow.step).in_((Step.ASK.value, Step.JOIN.value)),
    )
    still = or_(
        col(RequestRow.state).in_(STILL_OPEN),
        (col(RequestRow.state) == State.WITHDRAWN.value) & (col(RequestRow.id) >= oldest),
    )
    return list(session.exec(select(RequestRow.repo).where(still, asked, col(RequestRow.kind).in_(kinds)).distinct()))


def _any_is(names: Sequence[str], repo: str) -> bool:
    return any(fnmatchcase(repo.lower(), name.lower()) for name in names)


def _others_decide(session: Session, by: str) -> bool:
    deciders = col(TokenRow.role).in_(_DECIDERS)
    tokens = select(TokenRow.id).where(
        deciders, col(TokenRow.revoked_at).is_(None), col(TokenRow.user_id).is_(None), TokenRow.name != by
    )
    people = select(UserRow.id).where(
        col(UserRow.role).in_(_DECIDERS), col(UserRow.disabled_at).is_(None), UserRow.login != by
    )
    return any(session.exec(others.limit(1)).first() is not None for others in (people, tokens))


def _decides(session: Session, name: str) -> bool:
    person = session.exec(select(UserRow).where(UserRow.folded == name.lower())).first()
    if person is not None:
        return person.disabled_at is None and person.role in _DECIDERS
    rows = session.exec(select(TokenRow).where(TokenRow.name == name, col(TokenRow.user_id).is_(None))).all()
    moment = now()
    valid = [one for one in rows if one.revoked_at is None and (one.expires_at is None or one.expires_at > moment)]
    return not rows or any(one.role in _DECIDERS for one in valid)

"""Who asks and who decides are two people, through whatever door: queue, waiver or list.

A person is an account, or several that an administrator has said to be one person's. A token that belongs to nobody may
be in anybody's hands, also in those of whoever has spoken as himself before: it stands for no second person, and for
whoever made it where he has asked for something himself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fnmatch import fnmatchcase

from sqlalchemy import exists
from sqlmodel import Session, col, or_, select

from curator.audit.asking import asks
from curator.database.engine import now
from curator.errors import NotAllowed
from curator.people.roles import Permission, roles_that
from curator.people.same import names_of
from curator.people.tables import TokenRow, UserRow
from curator.policy import lists, waivers
from curator.review.states import STILL_OPEN, State, Step
from curator.review.tables import RequestEventRow, RequestRow
from rules.circumstances import ListEntry, Waiver

_DECIDERS = [role.value for role in roles_that(Permission.DECIDE)]
_STILL_HIS = dt.timedelta(days=30)
"""For so long what somebody has asked for is his own, also if he has withdrawn it since."""


def check_not_own(session: Session, kinds: Sequence[str], names: Sequence[str], by: str, *, several: bool) -> None:
    """Nobody approves what he has asked for, but who has nobody to turn to; `names` may be globs, `several` says that a
    rule wants several people. Raises `NotAllowed`."""
    named = (by, *_makers(session, by))
    for who in dict.fromkeys(one for name in named for one in names_of(session, name)):
        own = next((repo for repo in _asked_by(session, who, kinds) if _any_is(names, repo)), None)
        if own is not None and (several or _others_decide(session, by)):
            same = who in names_of(session, by)
            whose = "" if who == by else f", who is the same person as {by}," if same else _made_by(session, by, who)
            raise NotAllowed(f"{who}{whose} has asked for {own}: somebody else who may decide is to answer that")


def resting_on_one(session: Session, login: str) -> list[str]:
    """What several people stand behind that hold now, of whom two are this one by two accounts: somebody is to look at
    it anew, and end it."""
    his = frozenset(names_of(session, login))
    moment = now()
    said: list[tuple[str, Waiver | ListEntry]] = [(f"waiver {one.id}", one) for one in waivers.active(session, moment)]
    said += [(f"list entry {one.id}", one) for one in lists.active(session, moment)]
    return [name for name, one in said if len(his.intersection((one.by, *one.seconded_by))) > 1]


def _made_by(session: Session, by: str, who: str) -> str:
    maker = next((one for one in _makers(session, by) if who in names_of(session, one)), who)
    return f", who {'made the token' if maker == who else f'is the same person as {maker}, who made the token'} {by},"


def check_another(session: Session, agreed: Sequence[str], by: str) -> None:
    """That none of those who have agreed is he, by whichever of his accounts. Raises `NotAllowed`."""
    if by in agreed:
        raise NotAllowed(f"{by} has agreed to this already: the rule wants another person")
    his = names_of(session, by)
    before = next((name for name in agreed if name in his), None)
    if before is not None:
        raise NotAllowed(f"{by} is the same person as {before}, who has agreed to this already: the rule wants another")


def check_person(session: Session, by: str) -> None:
    """That it is a person who decides, where a rule wants several. Raises `NotAllowed`."""
    if _person(session, by) is None or _by_a_token_of_nobody(session, by):
        raise NotAllowed(
            f"{by} is a token that belongs to nobody, and a rule here wants several people: sign in to your own "
            "account, or use a token of it"
        )


def decides_no_more(session: Session, names: Sequence[str]) -> str | None:
    """The first of these who was a person that may decide, and is not any more."""
    return next((name for name in names if not _decides(session, name)), None)


def _makers(session: Session, by: str) -> list[str]:
    """Who made the token that belongs to nobody, if it is one that decides."""
    if _person(session, by) is not None:
        return []
    made = select(TokenRow.created_by).where(TokenRow.name == by, col(TokenRow.user_id).is_(None))
    return [name for name in session.exec(made.distinct().limit(100)) if name != by]


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
        col(UserRow.role).in_(_DECIDERS),
        col(UserRow.disabled_at).is_(None),
        col(UserRow.login).not_in(names_of(session, by)),
    )
    return any(session.exec(others.limit(1)).first() is not None for others in (people, tokens))


def _decides(session: Session, name: str) -> bool:
    person = _person(session, name)
    return person is not None and person.disabled_at is None and person.role in _DECIDERS


def _person(session: Session, name: str) -> UserRow | None:
    return session.exec(select(UserRow).where(UserRow.folded == name.lower())).first()


def _by_a_token_of_nobody(session: Session, by: str) -> bool:
    """Whether whoever asks at this moment shows one, though there is a person of that name."""
    asking = asks.get()
    token = asking["token"] if asking is not None and asking["actor"] == by else None
    row = session.get(TokenRow, token) if token is not None else None
    return row is not None and row.user_id is None

"""Who is told of a notice, and how: what he may know, and what he wants to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from curator.notify import mailboxes
from curator.notify.choices import Person, any_matches, choices_of, chosen_by, defaults
from curator.notify.kinds import SUBJECT_OF, NoticeType, Way
from curator.notify.tables import NoticeChoiceRow, NoticeRow
from curator.people.roles import MAY, Permission, Role
from curator.people.tables import MembershipRow, UserRow
from curator.review.tables import RequesterRow, RequestRow

_BY_TEAM = frozenset({"held", "blocked", "released", "reversed", "asked"})
_COLUMNS = (col(UserRow.id), col(UserRow.login), col(UserRow.email), col(UserRow.role), col(UserRow.team))
_SEEING_ALL = [role.value for role in Role if Permission.SEE_ALL in MAY[role]]


def candidates(session: Session, notice: NoticeRow, after: str, limit: int) -> list[Person]:
    """Those among whom its readers are, in the order of ids: whoever it concerns by its audience, and is told of its
    type by his role or has chosen for himself. Everybody else is not even looked at."""
    subject = SUBJECT_OF[NoticeType(notice.type)]
    kind, _, name = notice.audience.partition(":")
    if kind == "mailbox":
        return []
    wanted = sa.select(*_COLUMNS).where(col(UserRow.disabled_at).is_(None), col(UserRow.id) > after)
    if kind == "person":
        wanted = wanted.where(col(UserRow.folded) == name.lower())
    else:
        told = [role.value for role in Role if defaults(role).ways.get(subject.key, Way.OFF) is not Way.OFF]
        chosen = sa.select(col(NoticeChoiceRow.user_id))
        wanted = wanted.where(sa.or_(col(UserRow.role).in_(told), col(UserRow.id).in_(chosen)))
    if kind in {"overseers", "managers"}:
        wanted = wanted.where(col(UserRow.role).in_(_SEEING_ALL))
    elif kind == "team":
        members = col(UserRow.id).in_(sa.select(col(MembershipRow.user_id)).where(col(MembershipRow.team) == name))
        alone = notice.type == NoticeType.REVERSED
        wanted = wanted.where(members if alone else sa.or_(members, col(UserRow.role).in_(_SEEING_ALL)))
    rows = session.connection().execute(wanted.order_by(col(UserRow.id)).limit(limit)).all()
    return _people(session, rows)


def mailboxes_for(
    session: Session, notice: NoticeRow, all_of_them: Mapping[str, Person], data: Mapping[str, Any]
) -> list[Person]:
    """The mailboxes of teams that a notice may concern."""
    kind, _, name = notice.audience.partition(":")
    if kind in {"mailbox", "team"}:
        own = all_of_them.get(f"{mailboxes.MARK}{name}")
        return [own] if own is not None else []
    if kind != "all":
        return []
    key = SUBJECT_OF[NoticeType(notice.type)].key
    wanting = [one for one in all_of_them.values() if one.way(key) is not Way.OFF]
    repos = repos_in(data)
    teams = mailboxes.concerned(session, frozenset[str]().union(*(one.teams for one in wanting)), repos)
    return [replace(one, asked=repos) for one in wanting if not teams.isdisjoint(one.teams)]


def readers_of(session: Session, reader_ids: Sequence[str]) -> dict[str, Person]:
    """People and mailboxes of teams, by id; whoever is disabled, or not there, is left out."""
    return people_of(session, reader_ids) | mailboxes.readers(session, reader_ids)


def reader(session: Session, reader_id: str) -> Person | None:
    """One of them."""
    return mailboxes.reader(session, reader_id) if is_mailbox(reader_id) else person(session, reader_id)


def is_mailbox(reader_id: str) -> bool:
    """Whether it is a team's, and no person."""
    return reader_id.startswith(mailboxes.MARK)


def people_of(session: Session, user_ids: Sequence[str]) -> dict[str, Person]:
    """These, by id; whoever is disabled, or not there, is left out."""
    wanted = sa.select(*_COLUMNS).where(col(UserRow.disabled_at).is_(None), col(UserRow.id).in_(list(user_ids)))
    return {one.id: one for one in _people(session, session.connection().execute(wanted).all())}


def _people(session: Session, rows: Sequence[Any]) -> list[Person]:
    ids = [row.id for row in rows]
    teams: dict[str, set[str]] = {}
    memberships = sa.select(col(MembershipRow.user_id), col(MembershipRow.team))
    for user_id, team in session.connection().execute(memberships.where(col(MembershipRow.user_id).in_(ids))):
        teams.setdefault(user_id, set()).add(team)
    chosen = chosen_by(session, ids)
    wanting = [row.login for row in rows if row.id in chosen and chosen[row.id].about == "asked"]
    asked = _asked_by(session, wanting)
    return [
        Person(
            row.id,
            row.login,
            row.email,
            Role(row.role),
            _teams(row.team, teams.get(row.id, ())),
            asked=asked.get(row.login, frozenset()),
            chosen=chosen.get(row.id),
        )
        for row in rows
    ]


def person(session: Session, user_id: str) -> Person | None:
    """One of them; None if there is none, or he is disabled."""
    row = session.get(UserRow, user_id)
    if row is None or row.disabled_at is not None:
        return None
    teams = session.exec(select(MembershipRow.team).where(MembershipRow.user_id == user_id)).all()
    role = Role(row.role)
    return Person(
        row.id, row.login, row.email, role, _teams(row.team, teams), chosen=choices_of(session, user_id, role)
    )


def way_for(who: Person, notice: NoticeRow, data: Mapping[str, Any]) -> Way:
    """How a person is told of this notice; `OFF` if he is not, or may not be."""
    subject = SUBJECT_OF.get(NoticeType(notice.type))
    if subject is None or not may_know(who, notice):
        return Way.OFF
    choices = who.choices
    concerns = notice.audience.startswith(("team:", "person:", "mailbox:"))
    if choices.about == "teams" and subject.key in _BY_TEAM and not concerns and who.teams.isdisjoint(teams_in(data)):
        return Way.OFF
    repos = repos_in(data)
    if choices.about == "asked" and subject.key in _BY_TEAM and not concerns and who.asked.isdisjoint(repos):
        return Way.OFF
    if choices.repos and repos and not any_matches(choices.repos, repos):
        return Way.OFF
    return who.way(subject.key)


def may_know(who: Person, notice: NoticeRow) -> bool:
    """Whether this notice is for him at all, whatever he wants."""
    subject = SUBJECT_OF[NoticeType(notice.type)]
    may = MAY[who.role]
    kind, _, name = notice.audience.partition(":")
    if kind == "mailbox":
        return who.id == f"{mailboxes.MARK}{name}"
    if subject.permission not in may:
        return False
    if kind == "all":
        return True
    if kind == "person":
        return who.name == name
    if kind == "team":
        # Whoever sees everything has the whole of it, and needs no team's part.
        whole = Permission.SEE_ALL in may
        return whole if whole and notice.type != NoticeType.REVERSED else not whole and name in who.teams
    return (Permission.NOTIFY if kind == "managers" else Permission.SEE_ALL) in may


def repos_in(data: Mapping[str, Any]) -> frozenset[str]:
    """The repositories that a notice is about."""
    items: Collection[Mapping[str, Any]] = data.get("items", (data,))
    return frozenset(str(item["repository"]) for item in items if item.get("repository"))


def teams_in(data: Mapping[str, Any]) -> frozenset[str]:
    """The teams that a notice speaks of."""
    items: Collection[Mapping[str, Any]] = data.get("items", (data,))
    asked = {str(item["team"]) for item in items if item.get("team")}
    return frozenset(asked | {str(user["team"]) for item in items for user in item.get("used_by", ()) if user["team"]})


def _asked_by(session: Session, names: Sequence[str]) -> dict[str, frozenset[str]]:
    """The repositories that each of these asked for at any time."""
    if not names:
        return {}
    wanted = (
        sa.select(col(RequesterRow.name), col(RequestRow.repo))
        .join(RequestRow, col(RequestRow.id) == col(RequesterRow.request_id))
        .where(col(RequesterRow.name).in_(names))
        .distinct()
    )
    found: dict[str, set[str]] = {}
    for name, repo in session.connection().execute(wanted):
        found.setdefault(name, set()).add(repo)
    return {name: frozenset(repos) for name, repos in found.items()}


def _teams(home: str, others: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, (home, *others)))

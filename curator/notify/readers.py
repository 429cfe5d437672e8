"""Who is told of a notice, and how: what he may know, and what he wants to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlmodel import Session, col, select

from curator.notify.choices import Person, all_chosen, any_matches, choices_of
from curator.notify.kinds import SUBJECT_OF, NoticeType, Way
from curator.notify.tables import NoticeRow
from curator.people.roles import MAY, Permission, Role
from curator.people.tables import MembershipRow, UserRow

_BY_TEAM = frozenset({"held", "blocked", "released", "reversed", "asked"})


def people(session: Session) -> list[Person]:
    """Everybody who may sign in, with what each has chosen."""
    teams: dict[str, set[str]] = {}
    for user_id, team in session.exec(select(MembershipRow.user_id, MembershipRow.team)):
        teams.setdefault(user_id, set()).add(team)
    chosen = all_chosen(session)
    return [
        Person(row.id, row.login, row.email, Role(row.role), _teams(row, teams.get(row.id, ())), chosen.get(row.id))
        for row in session.exec(select(UserRow).where(col(UserRow.disabled_at).is_(None)))
    ]


def person(session: Session, user_id: str) -> Person | None:
    """One of them; None if there is none, or he is disabled."""
    row = session.get(UserRow, user_id)
    if row is None or row.disabled_at is not None:
        return None
    teams = session.exec(select(MembershipRow.team).where(MembershipRow.user_id == user_id)).all()
    role = Role(row.role)
    return Person(row.id, row.login, row.email, role, _teams(row, teams), choices_of(session, user_id, role))


def way_for(who: Person, notice: NoticeRow, data: Mapping[str, Any]) -> Way:
    """How a person is told of this notice; `OFF` if he is not, or may not be."""
    subject = SUBJECT_OF.get(NoticeType(notice.type))
    if subject is None or not may_know(who, notice):
        return Way.OFF
    choices = who.choices
    concerns = notice.audience.startswith(("team:", "person:"))
    if choices.about == "teams" and subject.key in _BY_TEAM and not concerns and who.teams.isdisjoint(teams_in(data)):
        return Way.OFF
    repos = repos_in(data)
    if choices.repos and repos and not any_matches(choices.repos, repos):
        return Way.OFF
    return who.way(subject.key)


def may_know(who: Person, notice: NoticeRow) -> bool:
    """Whether this notice is for him at all, whatever he wants."""
    subject = SUBJECT_OF[NoticeType(notice.type)]
    may = MAY[who.role]
    kind, _, name = notice.audience.partition(":")
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


def _teams(row: UserRow, others: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, (row.team, *others)))

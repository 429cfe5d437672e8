"""What an event's row of the record does not say itself: who pulled it, who asked for it, where it is answered."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from sqlmodel import Session, col, or_, select

from curator.admission.tables import DecisionRow, EntryRow, SnapshotRow
from curator.audit import uses
from curator.audit.prefixes import begins_with
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.notify import mailboxes
from curator.notify.drafts import Asker, Known, User
from curator.notify.events import was_allowed
from curator.policy.tables import ListEntryRow, WaiverRow
from curator.review.queue import item_of
from curator.review.states import STILL_OPEN, State
from curator.review.tables import RequesterRow, RequestRow, WaitingRow
from curator.types import RepoId, RepoKind
from rules.circumstances import Audience, Scope
from rules.form import BLOCKED_LIST

_MOST_PAGES = 20
_MOST_INCIDENTS = 50
_INCIDENT_LASTS = dt.timedelta(days=3)
"""After which all that it concerns has long been judged anew."""
_MOST_REQUESTS = 200
_SAME_TIME = dt.timedelta(minutes=1)
_OF_LINES = frozenset({"second", "reject", "lapse"})
"""Answers about what a reviewer proposed, and not about a request."""


def asks_who_pulled(row: AuditRow) -> bool:
    """Whether those who pulled it are told."""
    if row.action == Action.INCIDENT:
        return row.outcome in {"block", "lift"}
    return row.action == Action.CHANGE and was_allowed(row) and row.outcome != "allow"


def known_of(session: Session, row: AuditRow) -> Known:
    """What else a notice about this event has to say."""
    if row.action == Action.DECIDE:
        return Known(seen_before=_seen_before(session, row))
    if asks_who_pulled(row):
        if row.action == Action.CHANGE and _is_of_incident(session, row):
            return Known(of_incident=True)
        return Known(users=_users(session, row))
    if row.action == Action.REQUEST and row.kind and row.repo and row.subject:
        item = item_of(session, RepoId.parse(row.repo, RepoKind(row.kind))) or ""
        askers = _askers(session, row.subject, row.outcome)
        return Known(item=item, askers=askers, mailboxes=_told(session, {row.team}))
    if row.action == Action.ANSWER and row.subject:
        return _with_mailboxes(session, _askers(session, row.subject, row.outcome))
    if row.action == Action.WAIVER_ENDING and row.subject:
        word = session.get(WaiverRow, row.subject) or session.get(ListEntryRow, row.subject)
        if word is None:
            return Known()
        return replace(_with_mailboxes(session, _wanted_by(session, word)), people=(word.by,))
    return Known()


def _with_mailboxes(session: Session, askers: tuple[Asker, ...]) -> Known:
    return Known(askers=askers, mailboxes=_told(session, {one.team for one in askers}))


def _told(session: Session, teams: Iterable[str]) -> tuple[str, ...]:
    return tuple(team for team in sorted(teams) if mailboxes.is_told(session, team))


def _wanted_by(session: Session, word: WaiverRow | ListEntryRow) -> tuple[Asker, ...]:
    """Whose requests were approved with it, which is when it was given."""
    scope = Scope.from_json(json.loads(word.scope))
    query = select(RequestRow).where(
        RequestRow.state == State.APPROVED.value,
        col(RequestRow.changed_at).between(word.created_at, word.created_at + _SAME_TIME),
    )
    if isinstance(word, WaiverRow):
        query = query.where(RequestRow.kind == word.kind, RequestRow.repo == word.repo)
    else:
        globs = json.loads(word.repositories)
        kinds = json.loads(word.kinds)
        plain = [glob for glob in globs if not set(glob) & set("*?[")]
        owned = [
            begins_with(session, col(RequestRow.repo), glob[:-1])
            for glob in globs
            if glob.endswith("/*") and not set(glob[:-1]) & set("*?[")
        ]
        query = query.where(
            col(RequestRow.kind).in_(kinds or [kind.value for kind in RepoKind]),
            or_(col(RequestRow.repo).in_(plain), *owned),
        )
    rows = session.exec(query.order_by(col(RequestRow.id).desc()).limit(_MOST_REQUESTS)).all()
    covered = {row.id: row for row in rows if scope.covers(Audience(row.team, row.project))}
    found = session.exec(
        select(RequesterRow.name, RequesterRow.request_id).where(col(RequesterRow.request_id).in_(list(covered)))
    ).all()
    newest = {(name, covered[request].repo): request for name, request in sorted(found, key=lambda one: one[1])}
    return tuple(
        Asker(name, request, covered[request].team, f"{repo}@{covered[request].commit[:8]}")
        for (name, repo), request in newest.items()
    )


def _seen_before(session: Session, row: AuditRow) -> bool:
    """Whether the same was decided before about the commit for the same: it was only looked at once more."""
    made = session.get(DecisionRow, row.decision) if row.decision else None
    if made is None:
        return False
    earlier = session.exec(
        select(DecisionRow.outcome)
        .where(
            DecisionRow.snapshot_id == made.snapshot_id,
            DecisionRow.audience == made.audience,
            col(DecisionRow.id) < made.id,
        )
        .order_by(col(DecisionRow.id).desc())
        .limit(1)
    ).first()
    return earlier == made.outcome


def _askers(session: Session, subject: str, outcome: str) -> tuple[Asker, ...]:
    """Who wants what the answer is about: a request; or what reviewers agree about, which is a line of the queue."""
    named = select(RequesterRow.name, RequesterRow.request_id, RequestRow.team).join(
        RequestRow, col(RequestRow.id) == RequesterRow.request_id
    )
    found = session.exec(named.where(RequesterRow.request_id == subject)).all()
    line = session.get(WaitingRow, subject) if not found and outcome in _OF_LINES else None
    if line is not None:
        of_it = select(RequestRow.id).where(
            RequestRow.kind == line.kind, RequestRow.repo == line.repo, col(RequestRow.state).in_(STILL_OPEN)
        )
        found = session.exec(named.where(col(RequesterRow.request_id).in_(of_it))).all()
    return tuple(Asker(name, request, team) for name, request, team in found)


def _is_of_incident(session: Session, row: AuditRow) -> bool:
    """Whether the commit is blocked by what an incident of the last days withdrew, which everybody concerned was told
    with it."""
    if BLOCKED_LIST not in (row.rules or "").split(","):
        return False
    incidents = session.exec(
        select(AuditRow)
        .where(AuditRow.action == Action.INCIDENT.value, AuditRow.outcome == "block")
        .order_by(col(AuditRow.seq).desc())
        .limit(_MOST_INCIDENTS)
    )
    return any(one.at > row.at - _INCIDENT_LASTS and _withdraws(session, one, row) for one in incidents)


def _withdraws(session: Session, incident: AuditRow, row: AuditRow) -> bool:
    if incident.repo:
        same = incident.repo in {row.repo, f"{row.repo.partition('/')[0]}/*"}
        return same and incident.kind in {"", row.kind} and incident.commit in {None, row.commit}
    having = (
        select(EntryRow.snapshot_id)
        .join(SnapshotRow, col(SnapshotRow.id) == col(EntryRow.snapshot_id))
        .where(SnapshotRow.kind == row.kind, SnapshotRow.repo == row.repo, SnapshotRow.sha == row.commit)
        .where(EntryRow.blob == incident.blob)
        .limit(1)
    )
    return incident.blob is not None and session.exec(having).first() is not None


def _users(session: Session, row: AuditRow) -> tuple[User, ...]:
    """Who pulled it."""
    found: dict[tuple[str, str, str, str], User] = {}
    for use in _uses(session, row):
        key = (use.team, use.project, use.actor, use.job)
        before = found.get(key)
        if not row.team or use.team == row.team:
            last = max(use.last_at, before.last_at or use.last_at) if before is not None else use.last_at
            found[key] = User(use.team, use.project, use.actor, last, use.job)
    return tuple(sorted(found.values(), key=lambda user: (user.team, user.project, user.token, user.job)))


def _uses(session: Session, row: AuditRow) -> Iterator[uses.Use]:
    """Of a commit or repository, of all of a publisher (`acme/*`), or of a content wherever it is."""
    publisher, _, rest = row.repo.partition("/")
    if not row.repo and row.blob:
        for kind, repo, commit in uses.commits_with(session, row.blob):
            yield from _of(session, kind, repo, commit)
    elif rest == "*":
        yield from _pages(
            lambda after: uses.users_of_publisher(session, publisher, after, uses.MOST),
            lambda use: f"{use.repo}|{use.id}",
        )
    elif row.kind and row.repo:
        yield from _of(session, row.kind, row.repo, row.commit)


def _of(session: Session, kind: str, repo: str, commit: str | None) -> Iterator[uses.Use]:
    return _pages(
        lambda after: uses.users_of(session, RepoKind(kind), repo, commit, after, uses.MOST), lambda use: use.cursor
    )


def _pages(page_after: Callable[[str | None], list[uses.Use]], cursor: Callable[[uses.Use], str]) -> Iterator[uses.Use]:
    after = None
    for _ in range(_MOST_PAGES):
        page = page_after(after)
        yield from page
        if len(page) < uses.MOST:
            return
        after = cursor(page[-1])

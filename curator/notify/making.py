"""From the record to notices: each event once, in one transaction with how far it came; then to whom it concerns."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from curator.admission.tables import DecisionRow
from curator.audit import uses
from curator.audit.follow import ahead, follow, move_on
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.notify import gathering
from curator.notify.events import Draft, Known, User, matters, notices_of, was_allowed
from curator.notify.spreading import spread
from curator.notify.tables import NoticeRow
from curator.policy.tables import ListEntryRow, WaiverRow
from curator.review.tables import RequesterRow
from curator.types import RepoKind

log = logging.getLogger("curator.notices")

FOLLOWER = "notices"
_ROWS = 1_000
_MOST_TOLD = 50
_MOST_PAGES = 20
_LONGEST_NAP_S = 0.05
_AGAINST = frozenset({"hold", "block"})


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes them; one process of a server does, and the database sees to it that two would not make one twice."""

    database: Database
    url: str
    """Of the console, for links."""
    mails: bool
    """Whether there is a server for mail."""

    def step(self) -> None:
        """Take what is new on the record, end what has collected, and bring all of it to those whom it concerns."""
        while self._take():
            pass
        self._close()
        while True:
            began = time.monotonic()
            if not spread(self.database, mails=self.mails):
                return
            # Others who write come between the batches.
            time.sleep(min(time.monotonic() - began, _LONGEST_NAP_S))

    def _take(self) -> bool:
        """The next rows; what they mean is found out before anybody is kept waiting. Whether there were any."""
        with self.database.read() as session:
            since, rows = _next(session)
        if not rows:
            return False
        told = [row for row in rows if matters(row)]
        if any(_asks_who_pulled(row) for row in told):
            while follow(self.database, uses.FOLLOWER, uses.take, _ROWS) == _ROWS:
                pass
        with self.database.read() as session:
            drafts = _drafts(session, told)
        with self.database.write() as session:
            mine = move_on(session, FOLLOWER, since, rows[-1].seq or since)
            notices = gathering.keep(session, drafts, self.url) if mine and drafts else []
        _log(notices)
        return True

    def _close(self) -> None:
        with self.database.read() as session:
            due = session.exec(select(NoticeRow.id).where(col(NoticeRow.open_until) <= now()).limit(1)).first()
        if due is not None:
            with self.database.write() as session:
                notices = gathering.closed(session)
            _log(notices)


def _log(notices: Sequence[NoticeRow]) -> None:
    for notice in notices:
        log.info("%s", notice.document)


def _next(session: Session) -> tuple[int, Sequence[AuditRow]]:
    """So many rows that few of them matter: whoever keeps the notices of them is quick."""
    since, rows = ahead(session, FOLLOWER, _ROWS)
    those = [number for number, row in enumerate(rows) if matters(row)]
    return since, rows[: those[_MOST_TOLD]] if len(those) > _MOST_TOLD else rows


def _drafts(session: Session, told: Sequence[AuditRow]) -> list[Draft]:
    changed = {row.decision for row in told if row.action == Action.CHANGE}
    drafts: list[Draft] = []
    for row in told:
        if row.action == Action.DECIDE and (row.outcome not in _AGAINST or row.decision in changed):
            continue
        drafts += notices_of(row, _known(session, row))
    return drafts


def _asks_who_pulled(row: AuditRow) -> bool:
    """Whether those who pulled it are told."""
    if row.action == Action.INCIDENT:
        return row.outcome in {"block", "lift"}
    return row.action == Action.CHANGE and was_allowed(row) and row.outcome != "allow"


def _known(session: Session, row: AuditRow) -> Known:
    """What else a notice about this event has to say."""
    if row.action == Action.DECIDE:
        return Known(seen_before=_seen_before(session, row))
    if _asks_who_pulled(row):
        return Known(users=_users(session, row))
    if row.action == Action.ANSWER and row.subject:
        return Known(people=_askers(session, row.subject))
    if row.action == Action.WAIVER_ENDING and row.subject:
        word = session.get(WaiverRow, row.subject) or session.get(ListEntryRow, row.subject)
        return Known(people=(word.by,) if word is not None else ())
    return Known()


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


def _askers(session: Session, request: str) -> tuple[str, ...]:
    """Who wants what the answer is about; nobody's own withdrawal keeps others from hearing."""
    return tuple(session.exec(select(RequesterRow.name).where(RequesterRow.request_id == request)))


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

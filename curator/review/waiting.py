"""Which repositories wait for a reviewer: one line each, kept up to date as people are refused, ask and are answered.

Who is refused a held commit is taken from the record (`take`, by `audit.follow`); what is asked for and answered brings
its line up to date in its own transaction. So the queue is read from one small table, however long the record is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import Session, col, select

from curator.admission import decisions
from curator.admission.decisions import Ruling
from curator.admission.tables import DecisionRow, ObservationRow, ReferenceRow
from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditRow
from curator.database.engine import new_id, now
from curator.review.states import STILL_OPEN, State, Step
from curator.review.tables import RequesterRow, RequestEventRow, RequestRow, WaiterRow, WaitingRow
from curator.review.waiving import standing_against
from curator.types import RepoId, RepoKind
from rules.circumstances import Audience, Scope
from rules.evaluate import Outcome
from rules.facts import Facts, Severity

FOLLOWER = "review"
EVERYONE = Scope()
_RISK = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 3, Severity.CRITICAL: 4}
_BLOCKED = 2
_MOST_BYTES = 500
"""Of each text that the queue is narrowed down by: a database keeps no more than 2,700 in a row of an index."""


def take(session: Session, rows: Sequence[AuditRow]) -> None:
    """Rows of the record, in their order: who was refused a held commit waits; what is allowed waits no longer."""
    touched: dict[tuple[str, str], None] = {}
    for row in rows:
        if row.commit is None or row.decision is None:
            continue
        if row.action == Action.REFUSE.value and row.outcome == Outcome.HOLD.value:
            if _waits(session, row):
                touched[row.kind, row.repo] = None
        elif row.action in _JUDGED and row.outcome != Outcome.HOLD.value and _let_go(session, row):
            touched[row.kind, row.repo] = None
    for kind, repo in touched:
        refresh(session, RepoId.parse(repo, RepoKind(kind)))


_JUDGED = frozenset({Action.DECIDE.value, Action.CHANGE.value})
TAKES = _JUDGED | {Action.REFUSE.value}
"""What its rows are about."""


def said_something(session: Session, repo: RepoId, name: str, audience: Audience) -> None:
    """Whoever has asked in words is no silent waiter beside that."""
    session.execute(
        delete(WaiterRow).where(
            col(WaiterRow.kind) == repo.kind.value,
            col(WaiterRow.repo) == str(repo),
            col(WaiterRow.name) == name,
            col(WaiterRow.team) == audience.team,
            col(WaiterRow.project) == audience.project,
        )
    )


def silent(session: Session, repo: RepoId) -> list[WaiterRow]:
    """Who was refused, and has said nothing."""
    return list(session.exec(select(WaiterRow).where(WaiterRow.kind == repo.kind.value, WaiterRow.repo == str(repo))))


def let_go(session: Session, repo: RepoId, scope: Scope = EVERYONE) -> None:
    """These wait no longer: it was decided about for them."""
    for row in silent(session, repo):
        if scope.covers(Audience(row.team, row.project)):
            session.delete(row)
    session.flush()


def refresh(session: Session, repo: RepoId, *, closed_by: str = "", closed_as: str = "") -> WaitingRow | None:
    """Bring the line of a repository up to date; None if there is none. `closed_...`: who decided, and how."""
    session.flush()
    row = session.exec(
        select(WaitingRow).where(WaitingRow.kind == repo.kind.value, WaitingRow.repo == str(repo))
    ).first()
    waiters, asks = silent(session, repo), _asked(session, repo)
    if not waiters and not asks:
        if row is not None and row.waits:
            row.waits, row.requests, row.held = False, 0, False
            row.closed_by, row.closed_as = closed_by or "curator", closed_as or "nobody waits any more"
            row.closed_at = now()
            session.add(row)
        return row
    requesters = {request.id: _requesters(session, request.id) for request in asks}
    newest = max([waiter.decision for waiter in waiters] + [request.decision for request in asks])
    if row is None:
        row = blank(repo)
    if row.decision != newest or not row.waits:
        found = decisions.find(session, newest)
        if found is None:
            return row
        describe(row, *found)
    if asks:
        named = {rule for request in asks for rule in request.rules.split(",")}
        row.rules = _between_commas([*_parts(row.rules), *named])
    names = {waiter.name for waiter in waiters}.union(*requesters.values())
    row.teams = _between_commas([one.team for one in waiters] + [one.team for one in asks], _MOST_BYTES)
    row.held, row.requests, row.requesters = bool(waiters), len(asks), max(len(names), 1)
    row.since_s = min([one.first_s for one in waiters] + [_seconds(one.asked_at) for one in asks])
    row.last_s = max([one.last_s for one in waiters] + [_seconds(one.changed_at) for one in asks])
    row.waits, row.closed_by, row.closed_as, row.closed_at = True, "", "", None
    session.add(row)
    session.flush()
    return row


def blank(repo: RepoId) -> WaitingRow:
    """A line that has nothing on it yet."""
    moment = _seconds(now())
    return WaitingRow(
        id=new_id(),
        kind=repo.kind.value,
        repo=str(repo),
        publisher=repo.namespace or "",
        family=str(repo),
        commit="",
        snapshot_id=0,
        decision="",
        outcome="",
        rules="",
        owners="",
        teams="",
        held=False,
        requests=0,
        requesters=0,
        risk=1,
        since_s=moment,
        last_s=moment,
        waits=False,
    )


def describe(row: WaitingRow, ruling: Ruling, facts: Facts) -> None:
    """What the line says of the decision."""
    against = standing_against(ruling.decision.reasons)
    row.decision, row.snapshot_id, row.commit = ruling.id, ruling.snapshot_id, facts.commit
    row.outcome = "left-out" if ruling.outcome is Outcome.ALLOW else ruling.outcome.value
    row.rules = _between_commas(reason.rule for reason in against)
    row.owners = _between_commas((reason.owner for reason in against), _MOST_BYTES)
    # What a card says it was made from may be any text.
    base = facts.base_models[0] if facts.base_models else ""
    row.family = base if base and len(base.encode()) <= _MOST_BYTES else row.repo
    row.risk = risk_of(ruling, facts)


def risk_of(ruling: Ruling, facts: Facts) -> int:
    """1 to 4: the worst of the findings that stand against the commit, low to critical; 2 at least if it is blocked."""
    resting = {one for reason in standing_against(ruling.decision.reasons) for one in reason.fingerprints}
    found = [_RISK.get(one.severity, 1) for file in facts.files for one in file.findings if one.fingerprint in resting]
    least = _BLOCKED if ruling.outcome is Outcome.BLOCK else 1
    return max([least, *found])


def _waits(session: Session, row: AuditRow) -> bool:
    """Note who was refused; False if his team has asked in words, and is in the queue with that."""
    asked = select(RequestRow.id).where(
        RequestRow.kind == row.kind,
        RequestRow.repo == row.repo,
        col(RequestRow.state).in_(STILL_OPEN),
        RequestRow.team == row.team,
        RequestRow.project == row.project,
    )
    if session.exec(asked).first() is not None:
        return False
    key = (row.kind, row.repo, row.actor, row.team, row.project)
    at = _seconds(row.at)
    waiter = session.get(WaiterRow, key)
    if waiter is None:
        waiter = WaiterRow(
            kind=row.kind,
            repo=row.repo,
            name=row.actor,
            team=row.team,
            project=row.project,
            commit=row.commit or "",
            decision=row.decision or "",
            first_s=at,
            last_s=at,
        )
    waiter.commit, waiter.decision, waiter.last_s = row.commit or "", row.decision or "", at
    session.add(waiter)
    return True


def _let_go(session: Session, row: AuditRow) -> bool:
    """Those of the decision's audience wait no longer for this commit. Whether anybody did."""
    repo = RepoId.parse(row.repo, RepoKind(row.kind))
    gone = [one for one in silent(session, repo) if one.commit == row.commit and _is_for(session, row, one)]
    for one in gone:
        session.delete(one)
    overtaken = 0
    if row.outcome == Outcome.ALLOW.value:
        for request in open_of(session, repo):
            if request.outcome == "left-out" or not _is_for(session, row, request):
                continue
            if request.commit == row.commit:
                end_by_itself(session, request, State.OVERTAKEN, "It is allowed by now")
            elif _moved_on(session, row, request.commit):
                said = f"main has moved on to the commit {(row.commit or '')[:8]}, which is allowed"
                end_by_itself(session, request, State.OVERTAKEN, said)
            overtaken += request.state == State.OVERTAKEN
    return bool(gone or overtaken)


def _is_for(session: Session, row: AuditRow, who: WaiterRow | RequestRow) -> bool:
    """Whether this decision is for them. What was decided for everybody is for whom the decision before was for
    everybody, too: the rules may tell others apart."""
    if not row.team and not row.project:
        before = session.get(DecisionRow, who.decision)
        return before is None or not before.audience
    meant = Scope((row.team,) if row.team else ("*",), (row.project,) if row.project else ("*",))
    return meant.covers(Audience(who.team, who.project))


def _moved_on(session: Session, row: AuditRow, commit: str) -> bool:
    """Whether `main` stood for that commit, and stands for this one by now."""
    now_at = select(ReferenceRow.sha).where(
        ReferenceRow.kind == row.kind,
        ReferenceRow.repo == row.repo,
        ReferenceRow.sha == row.commit,
        ReferenceRow.revision == "main",
    )
    before = select(ObservationRow.id).where(
        ObservationRow.kind == row.kind,
        ObservationRow.repo == row.repo,
        ObservationRow.revision == "main",
        ObservationRow.sha == commit,
    )
    return session.exec(now_at).first() is not None and session.exec(before.limit(1)).first() is not None


def end_by_itself(session: Session, request: RequestRow, state: State, said: str) -> None:
    """Let a request have come to this without anybody's answer, and put that on the record."""
    step = Step.OVERTAKE if state is State.OVERTAKEN else Step.EXPIRE
    end(session, request, state, step, "curator", said)
    append(
        session,
        AuditEvent(
            action=Action.REQUEST,
            actor="curator",
            team=request.team,
            project=request.project,
            kind=RepoKind(request.kind),
            repo=request.repo,
            commit=request.commit,
            outcome=step.value,
            decision=request.decision,
            rules=request.rules or None,
            subject=request.id,
            sentence=said,
        ),
    )


def end(session: Session, request: RequestRow, state: State, step: Step, by: str, said: str) -> None:
    """Let a request have come to this."""
    request.state, request.changed_at = state.value, now()
    session.add(request)
    session.add(
        RequestEventRow(id=new_id(), request_id=request.id, step=step.value, by=by, said=said, at=request.changed_at)
    )
    session.flush()


def _asked(session: Session, repo: RepoId) -> list[RequestRow]:
    """What a reviewer has to answer."""
    return list(
        session.exec(
            select(RequestRow).where(
                RequestRow.kind == repo.kind.value,
                RequestRow.repo == str(repo),
                col(RequestRow.state).in_((State.OPEN, State.SECOND)),
            )
        )
    )


def open_of(session: Session, repo: RepoId) -> list[RequestRow]:
    """The requests about a repository that have no answer yet."""
    return list(
        session.exec(
            select(RequestRow)
            .where(
                RequestRow.kind == repo.kind.value,
                RequestRow.repo == str(repo),
                col(RequestRow.state).in_(STILL_OPEN),
            )
            .order_by(col(RequestRow.id))
        )
    )


def _requesters(session: Session, request_id: str) -> set[str]:
    return set(session.exec(select(RequesterRow.name).where(RequesterRow.request_id == request_id)))


def _between_commas(words: Iterable[str], most_bytes: int = 20_000) -> str:
    kept: list[str] = []
    for word in sorted({word for word in words if word}):
        if len(",".join([*kept, word]).encode()) <= most_bytes:
            kept.append(word)
    return f",{','.join(kept)}," if kept else ""


def _parts(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _seconds(moment: dt.datetime) -> int:
    return int(moment.timestamp())


@dataclass(frozen=True, slots=True)
class Ended:
    """What was over by itself."""

    requests: int


def expire(session: Session) -> Ended:
    """End requests that are wanted until a day that is over."""
    rows = session.exec(
        select(RequestRow).where(col(RequestRow.state).in_(STILL_OPEN), col(RequestRow.until) <= now()).limit(500)
    ).all()
    for row in rows:
        said = "Nobody has answered it, and the day until when it was wanted is over"
        end_by_itself(session, row, State.EXPIRED, said)
        refresh(session, RepoId.parse(row.repo, RepoKind(row.kind)), closed_as="the request expired")
    return Ended(len(rows))

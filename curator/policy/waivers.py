"""Waivers as they are kept: added, taken back, never changed and never deleted."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, or_, select

from curator.database.engine import new_id, now
from curator.database.generation import changed
from curator.policy.tables import WaiverRow
from curator.policy.word import BadWord, Given, NoSuchWord, Said, WordsInForce, checked_end, checked_reason, page, shown
from curator.types import RepoId, RepoKind
from rules.circumstances import Audience, Scope, Waiver

_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_FINGERPRINTS = 5_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the organisation lets waivers last."""

    max_days: int
    without_end: bool
    """Whether one may have no end at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A waiver that is to be made."""

    fingerprints: frozenset[str]
    repo: RepoId
    """Where it is wanted first."""
    rules: tuple[str, ...]
    """The rules that it answers."""
    decision: str
    """The decision that it answers."""
    scope: Scope
    reason: str
    by: str
    expires_at: dt.datetime | None
    seconded_by: tuple[str, ...] = ()
    """Who agreed to it beside him."""


@dataclass(frozen=True, slots=True)
class KeptWaiver:
    """A waiver with its place in the record."""

    waiver: Waiver
    repo: RepoId
    rules: tuple[str, ...]
    decision: str | None
    given: Given

    @property
    def state(self) -> str:
        """`active`, `expired` or `ended` (taken back)."""
        return self.given.state(self.waiver.expires_at)

    def as_json(self) -> dict[str, Any]:
        waiver, given = self.waiver, self.given
        return {
            "id": waiver.id,
            "state": self.state,
            "repository": str(self.repo),
            "kind": self.repo.kind.value,
            "rules": list(self.rules),
            "decision": self.decision,
            "fingerprints": sorted(waiver.fingerprints),
            "scope": waiver.scope.as_json(),
            "reason": waiver.reason,
            "by": waiver.by,
            "seconded_by": list(waiver.seconded_by),
            "created_at": shown(given.created_at),
            "expires_at": shown(waiver.expires_at),
            "ended_at": shown(given.ended_at),
            "ended_by": given.ended_by,
        }


def check(wanted: Wanted, limits: Limits) -> Wanted:
    """The same, if it may be made. Raises `BadWord`."""
    moment = now()
    checked_reason(wanted.reason)
    checked_end(wanted.expires_at, moment)
    if wanted.expires_at is None and not limits.without_end:
        raise BadWord("A waiver wants an end: name a day, or days such as 90d (--until)")
    # The day that is named last is in it to its end.
    longest = moment + dt.timedelta(days=limits.max_days + 1)
    if wanted.expires_at is not None and wanted.expires_at > longest:
        raise BadWord(f"A waiver lasts {limits.max_days} days at most (CURATOR_WAIVER_MAX_DAYS): name an earlier day")
    if not wanted.fingerprints:
        raise BadWord("There is nothing to waive: no finding is named that the decision rests on")
    if len(wanted.fingerprints) > _MOST_FINGERPRINTS:
        raise BadWord(
            f"{len(wanted.fingerprints)} findings are too many for a waiver ({_MOST_FINGERPRINTS}): name rules or files"
        )
    wrong = next((one for one in sorted(wanted.fingerprints) if not _FINGERPRINT.fullmatch(one)), None)
    if wrong is not None:
        raise BadWord(f"{wrong[:80]!a} is no fingerprint of a finding: it has 64 hex digits")
    return wanted


def add(session: Session, wanted: Wanted, limits: Limits) -> KeptWaiver:
    """Keep a waiver. Raises `BadWord`."""
    check(wanted, limits)
    row = WaiverRow(
        id=new_id(),
        fingerprints=json.dumps(sorted(wanted.fingerprints)),
        kind=wanted.repo.kind.value,
        repo=str(wanted.repo),
        rules=",".join(wanted.rules),
        decision=wanted.decision,
        scope=json.dumps(wanted.scope.as_json()),
        reason=checked_reason(wanted.reason),
        by=wanted.by,
        seconded_by=json.dumps(wanted.seconded_by),
        created_at=now(),
        expires_at=wanted.expires_at,
    )
    session.add(row)
    session.flush()
    changed(session)
    return _kept(row)


def end(session: Session, waiver_id: str, by: str) -> KeptWaiver:
    """Take a waiver back. Raises `NoSuchWord`, and `BadWord` if it is over already."""
    row = _row(session, waiver_id)
    before = _kept(row)
    if before.state != "active":
        raise BadWord(f"The waiver {waiver_id} is over already: it is {before.state}")
    row.ended_at, row.ended_by = now(), by
    session.add(row)
    session.flush()
    changed(session)
    return _kept(row)


def find(session: Session, waiver_id: str) -> KeptWaiver:
    """A waiver of any time. Raises `NoSuchWord`."""
    return _kept(_row(session, waiver_id))


def listed(
    session: Session,
    *,
    state: str = "active",
    repo: str | None = None,
    reach: Audience | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[KeptWaiver]:
    """Waivers, newest first; `state` is `active`, `ended` or `all`, `repo` the repository they were first wanted in,
    `reach` somebody whom they must be for."""
    more: Iterable[object] = () if repo is None else (func.lower(col(WaiverRow.repo)) == repo.lower(),)
    if reach is None:
        return [_kept(row) for row in page(session, WaiverRow, after, limit, state=state, more=more)]
    found: list[KeptWaiver] = []
    # Which globs match is not for the database to say.
    while len(found) < limit and (rows := page(session, WaiverRow, after, 500, state=state, more=more)):
        found += [kept for row in rows if (kept := _kept(row)).waiver.scope.covers(reach)]
        after = rows[-1].id
    return found[:limit]


def active(session: Session, moment: dt.datetime) -> tuple[Waiver, ...]:
    """Those in force, for whomever they are."""
    return _IN_FORCE.at(session, moment)


def held_since(session: Session, moment: dt.datetime) -> tuple[Said[Waiver], ...]:
    """Those that held then or later, each with its time."""
    return _IN_FORCE.held_since(session, moment)


def rules_answered(session: Session, moment: dt.datetime) -> list[tuple[str, ...]]:
    """Of each waiver in force, the rules that it answers."""
    still = or_(col(WaiverRow.expires_at).is_(None), col(WaiverRow.expires_at) > moment)
    rows = session.exec(select(WaiverRow.rules).where(col(WaiverRow.ended_at).is_(None), still))
    return [tuple(rule for rule in row.split(",") if rule) for row in rows]


def _row(session: Session, waiver_id: str) -> WaiverRow:
    row = session.get(WaiverRow, waiver_id)
    if row is None:
        raise no_such_waiver(waiver_id)
    return row


def no_such_waiver(waiver_id: str) -> NoSuchWord:
    """For whoever names one that is not there, or not for him to see."""
    return NoSuchWord(f"There is no waiver {waiver_id[:64]!a}: `curator waivers` shows those there are")


def _kept(row: WaiverRow) -> KeptWaiver:
    rules = tuple(rule for rule in row.rules.split(",") if rule)
    return KeptWaiver(_value(row), RepoId.parse(row.repo, RepoKind(row.kind)), rules, row.decision, Given.of(row))


def _value(row: WaiverRow) -> Waiver:
    return Waiver(
        id=row.id,
        fingerprints=frozenset(json.loads(row.fingerprints)),
        reason=row.reason,
        by=row.by,
        expires_at=row.expires_at,
        scope=Scope.from_json(json.loads(row.scope)),
        seconded_by=tuple(json.loads(row.seconded_by)),
    )


_IN_FORCE: WordsInForce[WaiverRow, Waiver] = WordsInForce(WaiverRow, _value)

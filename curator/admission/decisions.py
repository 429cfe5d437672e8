"""Decisions as they are kept: immutable, each with all it rests on; the newest that still holds is in force."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import insert, update
from sqlmodel import Session, col, func, or_, select

from curator.admission import descent
from curator.admission.catalogue import keep as catalogue
from curator.admission.tables import DecisionRow, FactsRow, RestsOnRow
from curator.database.engine import new_id, now
from curator.database.generation import changed
from rules.circumstances import EVERYBODY, Audience
from rules.evaluate import Decision, Outcome, Reason, Standing
from rules.facts import Facts
from rules.model import Effect
from scanners.finding import SCANNER_VERSION

_LONGEST_MESSAGE = 400
"""Letters: clients put it into one line of an error; the whole of it stands on the decision's page."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision that was made, with its place in the record."""

    id: str
    snapshot_id: int
    rule_set: str
    at: dt.datetime
    expires_at: dt.datetime | None
    decision: Decision
    audience: Audience = EVERYBODY

    @property
    def outcome(self) -> Outcome:
        return self.decision.outcome

    @property
    def excluded(self) -> Mapping[str, Reason]:
        """The files that are left out, each with its reason."""
        return self.decision.excluded_files

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that made the outcome."""
        return tuple(dict.fromkeys(reason.rule for reason in self._decisive))

    @property
    def sentence(self) -> str:
        """Why, in a sentence: the first of the reasons, and how many more there are."""
        decisive = self._decisive
        if not decisive:
            return "no rule says why"
        more = len(decisive) - 1
        return one_line(decisive[0].message) + (f" (and {more} more)" if more else "")

    @property
    def _decisive(self) -> tuple[Reason, ...]:
        return tuple(
            reason
            for reason in self.decision.reasons
            if reason.standing is Standing.ENFORCED and reason.outcome.value == self.outcome.value
        )

    @property
    def owner(self) -> str:
        """The group that decides about exceptions; empty if the rule names none."""
        return self._decisive[0].owner if self._decisive else ""

    @property
    def warnings(self) -> tuple[Reason, ...]:
        """What the rules warn of, whatever becomes of the commit."""
        return tuple(
            reason
            for reason in self.decision.reasons
            if reason.standing is Standing.ENFORCED and reason.outcome is Effect.WARN
        )

    def warning_sentence(self, repo: str) -> str | None:
        """What the rules warn of, as one line; None if they warn of nothing."""
        if not self.warnings:
            return None
        first, more = self.warnings[0], len(self.warnings) - 1
        others = f" (and {more} more {'warning' if more == 1 else 'warnings'})" if more else ""
        return f"the rule {first.rule} warns of {repo}: {one_line(first.message)}{others}"

    def left_out_sentence(self, repo: str) -> str | None:
        """What is not served of a repository that is; None if all of it is."""
        if not self.excluded:
            return None
        paths = sorted(self.excluded)
        shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        first = self.excluded[paths[0]]
        return f"{shown} of {repo} left out by the rule {first.rule}: {one_line(first.message)}"


def one_line(message: str) -> str:
    """A message as clients show it: one line, of a length that is read, cut where a sentence ends if one does."""
    line = " ".join(message.split())
    if len(line) <= _LONGEST_MESSAGE:
        return line
    start = line[: _LONGEST_MESSAGE - 4]
    sentence = start.rfind(". ")
    return f"{start[: sentence + 1] if sentence > _LONGEST_MESSAGE // 2 else start.rpartition(' ')[0] or start} ..."


def current(session: Session, snapshot_id: int, rule_set: str, audience: Audience = EVERYBODY) -> Ruling | None:
    """The decision in force under these rules and the present scanners; None if there is none, or it has run out."""
    row = session.exec(
        select(DecisionRow)
        .where(
            DecisionRow.snapshot_id == snapshot_id,
            DecisionRow.rule_set == rule_set,
            DecisionRow.scanner == SCANNER_VERSION,
            DecisionRow.audience == str(audience),
            # Left out here, and not of the newest alone: of two machines, one may have a clock that is behind.
            or_(col(DecisionRow.expires_at).is_(None), col(DecisionRow.expires_at) > now()),
        )
        .order_by(col(DecisionRow.id).desc())
        .limit(1)
    ).first()
    return ruling_of(row) if row is not None else None


def find(session: Session, decision_id: str) -> tuple[Ruling, Facts] | None:
    """A decision of any time, and what the rules saw."""
    row = session.get(DecisionRow, decision_id)
    if row is None:
        return None
    facts = Facts.from_json(json.loads(session.get_one(FactsRow, row.facts_id).facts))
    return ruling_of(row), facts.model_copy(update={"observed_at": row.at})


def before(session: Session, snapshot_id: int, audience: Audience, rule_set: str) -> Ruling | None:
    """What was decided about a snapshot for these before, under whatever rules and scanners, in force or not.

    Under other rules they may have shared a decision with everybody, or with their team.
    """
    rows = session.exec(
        select(DecisionRow)
        .where(DecisionRow.snapshot_id == snapshot_id, col(DecisionRow.audience).in_(shared_by(audience)))
        .order_by(col(DecisionRow.id).desc())
    ).all()
    own = next((row for row in rows if row.audience == str(audience) and row.rule_set == rule_set), None)
    row = own or next(iter(rows), None)
    return ruling_of(row) if row is not None else None


def shared_by(audience: Audience) -> list[str]:
    """Whose decision theirs may be, as it is kept: the most their own first."""
    team, project = audience.team, audience.project
    every = (audience, Audience(team=team), Audience(project=project), EVERYBODY)
    return list(dict.fromkeys(str(one) for one in every))


def audiences_of(session: Session, snapshot_id: int, rule_set: str) -> list[Audience]:
    """For whom there is a decision about a snapshot under these rules that still holds."""
    rows = session.exec(
        select(DecisionRow.audience)
        .where(
            DecisionRow.snapshot_id == snapshot_id,
            DecisionRow.rule_set == rule_set,
            or_(col(DecisionRow.expires_at).is_(None), col(DecisionRow.expires_at) > now()),
        )
        .distinct()
    )
    return sorted(Audience.parse(text) for text in rows)


def keep(
    session: Session,
    snapshot_id: int,
    decision: Decision,
    facts: Facts,
    expires_at: dt.datetime | None,
    audience: Audience = EVERYBODY,
) -> Ruling:
    """Keep a decision that rules made of facts as they were at `facts.observed_at`."""
    facts_id = _keep_facts(session, snapshot_id, facts)
    return keep_about(session, snapshot_id, decision, facts_id, facts.observed_at, expires_at, audience, facts)


def keep_about(
    session: Session,
    snapshot_id: int,
    decision: Decision,
    facts_id: str,
    at: dt.datetime,
    expires_at: dt.datetime | None,
    audience: Audience,
    facts: Facts | None = None,
) -> Ruling:
    """Keep a decision that rules made at that moment of facts that are kept already; `facts` where they are at hand."""
    row = DecisionRow(
        id=new_id(),
        snapshot_id=snapshot_id,
        rule_set=decision.policy_digest,
        scanner=SCANNER_VERSION,
        audience=str(audience),
        outcome=decision.outcome.value,
        decision=json.dumps(decision.as_json()),
        facts_id=facts_id,
        at=at,
        expires_at=expires_at,
    )
    session.add(row)
    _note_what_it_rests_on(session, snapshot_id, decision)
    catalogue.decided(session, row, decision, facts)
    changed(session)
    return ruling_of(row)


def newest_facts(session: Session, snapshot_ids: Collection[int]) -> dict[int, FactsRow]:
    """What was last known of each of these commits, to the present scanners."""
    newest = (
        select(func.max(FactsRow.id))
        .where(col(FactsRow.snapshot_id).in_(snapshot_ids), FactsRow.scanner == SCANNER_VERSION)
        .group_by(col(FactsRow.snapshot_id))
    )
    rows = session.exec(select(FactsRow).where(col(FactsRow.id).in_(newest)))
    return {row.snapshot_id: row for row in rows}


def of_snapshots(session: Session, snapshot_ids: Collection[int]) -> dict[int, list[DecisionRow]]:
    """All decisions about each of these commits, the newest first."""
    rows = session.exec(
        select(DecisionRow).where(col(DecisionRow.snapshot_id).in_(snapshot_ids)).order_by(col(DecisionRow.id).desc())
    )
    found: dict[int, list[DecisionRow]] = {}
    for row in rows:
        found.setdefault(row.snapshot_id, []).append(row)
    return found


def _note_what_it_rests_on(session: Session, snapshot_id: int, decision: Decision) -> None:
    """So that whoever waives a finding knows which commits that concerns."""
    wanted = {fingerprint for reason in decision.reasons for fingerprint in reason.fingerprints}
    known = session.exec(select(RestsOnRow.fingerprint).where(RestsOnRow.snapshot_id == snapshot_id)) if wanted else ()
    new = [{"fingerprint": fingerprint, "snapshot_id": snapshot_id} for fingerprint in wanted.difference(known)]
    if new:
        # Past the object mapper, which takes several times as long as the database.
        session.connection().execute(insert(RestsOnRow.__table__), new)  # type: ignore[attr-defined]


def _keep_facts(session: Session, snapshot_id: int, facts: Facts) -> str:
    """The id of the row that has them: the newest of the snapshot, if it says the same of another moment."""
    document = facts.as_json()
    said = {name: value for name, value in document.items() if name != "observed_at"}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    newest = session.exec(
        select(FactsRow).where(FactsRow.snapshot_id == snapshot_id).order_by(col(FactsRow.id).desc()).limit(1)
    ).first()
    if newest is not None and (newest.digest, newest.scanner) == (digest, SCANNER_VERSION):
        return newest.id
    row = FactsRow(
        id=new_id(),
        snapshot_id=snapshot_id,
        scanner=SCANNER_VERSION,
        digest=digest,
        facts=json.dumps(document),
        at=facts.observed_at,
    )
    session.add(row)
    session.flush()
    descent.note(session, snapshot_id, facts)
    return row.id


def reopen(session: Session, snapshot_id: int) -> None:
    """Let no decision about a snapshot hold any longer: what it rests on turned out to be wrong."""
    # It ends with its beginning, which is over by every server's clock; the record says when that was found out.
    session.execute(
        update(DecisionRow)
        .where(
            col(DecisionRow.snapshot_id) == snapshot_id,
            or_(col(DecisionRow.expires_at).is_(None), col(DecisionRow.expires_at) > col(DecisionRow.at)),
        )
        .values(expires_at=DecisionRow.at)
    )
    catalogue.ended_about(session, snapshot_id)
    changed(session)


def reopen_under_others(session: Session, snapshot_id: int, rule_set: str) -> None:
    """Let no decision about a snapshot hold under any other rules, should they be in force again."""
    session.execute(
        update(DecisionRow)
        .where(
            col(DecisionRow.snapshot_id) == snapshot_id,
            col(DecisionRow.rule_set) != rule_set,
            or_(col(DecisionRow.expires_at).is_(None), col(DecisionRow.expires_at) > col(DecisionRow.at)),
        )
        .values(expires_at=DecisionRow.at)
    )
    catalogue.ended_about(session, snapshot_id, under_others_than=rule_set)


def ruling_of(row: DecisionRow) -> Ruling:
    decision = Decision.from_json(json.loads(row.decision))
    return Ruling(row.id, row.snapshot_id, row.rule_set, row.at, row.expires_at, decision, Audience.parse(row.audience))

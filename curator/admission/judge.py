"""The last step of an admission: facts before the rules, and a decision on the record."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass

from sqlmodel import Session

from curator.admission import decisions, progress, scans, snapshots
from curator.admission.decisions import Ruling
from curator.admission.facts import facts_of
from curator.admission.progress import Sought
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, now
from curator.policy import rule_sets
from curator.policy.in_force import parsed
from curator.queue.work import Work, finish
from curator.types import Commit
from rules.circumstances import Audience, Circumstances
from rules.evaluate import Outcome, evaluate
from rules.model import Policy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges commits under the rules that the asker's server had in force."""

    database: Database
    retry_failed_s: float

    def judge(self, work: Work) -> list[Work]:
        """Decide about a commit all of whose contents were scanned or given up; what it takes code from is next."""
        while (following := self._decide(work)) is None:
            log.info("%s: a report changed while it was judged; it is judged again", work.key)
        return following

    def _decide(self, work: Work) -> list[Work] | None:
        """What follows from the decision; None if what it rests on is not what is known any more."""
        sought = Sought.parse(work.key)
        snapshot_id, rule_set = sought.snapshot_id, sought.rule_set
        with self.database.read() as session:
            seen = scans.stamp(session, snapshot_id)
            snapshot = snapshots.get(session, snapshot_id)
            files = snapshots.files(session, snapshot_id)
            reports = scans.reports_of(session, snapshot_id)
            failures = {
                (file.blob, file.name): progress.scan_failure(session, file.blob, file.name) or "it was not scanned"
                for file in files
                if (file.blob, file.name) not in reports
            }
            policy = policy_of(session, rule_set)
            circumstances = circumstances_of(session, sought.audience)
        facts = facts_of(snapshot, files, reports, failures, now())
        decision = evaluate(policy, facts, circumstances)
        # A content that could not be fetched may be there in a while; what was judged stays judged.
        again = facts.observed_at + dt.timedelta(seconds=self.retry_failed_s) if failures else None
        expires_at = min((moment for moment in (again, decision.until) if moment is not None), default=None)
        commit = snapshot.commit
        with self.database.write() as session:
            if scans.stamp(session, snapshot_id) != seen or circumstances_of(session, sought.audience) != circumstances:
                return None
            earlier = decisions.before(session, snapshot_id, sought.audience, rule_set)
            ruling = decisions.keep(session, snapshot_id, decision, facts, expires_at, sought.audience)
            record_decision(session, commit, ruling)
            if earlier is not None and differ(earlier, ruling):
                record_change(session, commit, earlier, ruling, ruling.audience)
            progress.close_admission(session, sought)
            finish(session, work)
            following = progress.ask_to_follow(session, facts.code_from, rule_set)
        log.info("%s: %s (%s)", commit, ruling.outcome.value, ruling.id)
        return following


def circumstances_of(session: Session, audience: Audience) -> Circumstances:
    """What people have decided, for whoever asks."""
    del session
    return Circumstances(audience)


def record_decision(session: Session, commit: Commit, ruling: Ruling) -> None:
    """Put on the record that a commit was judged."""
    sentence = ruling.left_out_sentence(str(commit.repo)) if not ruling.rules else ruling.sentence
    append(session, _event(Action.DECIDE, commit, ruling, ruling.audience, sentence))


def differ(earlier: Ruling, ruling: Ruling) -> bool:
    """Whether whoever asks is given anything else than before."""
    return (earlier.outcome, set(earlier.excluded)) != (ruling.outcome, set(ruling.excluded))


def record_change(session: Session, commit: Commit, earlier: Ruling, ruling: Ruling, audience: Audience) -> None:
    """Put on the record that a commit is decided about otherwise than before, for these."""
    sentence = f"{_said(earlier, commit)} until now (decision {earlier.id}); now {_said(ruling, commit)}"
    append(session, _event(Action.CHANGE, commit, ruling, audience, sentence))


def _event(action: Action, commit: Commit, ruling: Ruling, audience: Audience, sentence: str | None) -> AuditEvent:
    return AuditEvent(
        action=action,
        actor="curator",
        team=audience.team,
        project=audience.project,
        kind=commit.repo.kind,
        repo=str(commit.repo),
        commit=commit.sha,
        outcome=ruling.outcome.value,
        decision=ruling.id,
        rules=",".join(ruling.rules) or None,
        sentence=sentence,
    )


def _said(ruling: Ruling, commit: Commit) -> str:
    if ruling.outcome is Outcome.ALLOW:
        left_out = ruling.left_out_sentence(str(commit.repo))
        return f"allowed, {left_out}" if left_out else "allowed"
    return f"{'blocked' if ruling.outcome is Outcome.BLOCK else 'held'}: {ruling.sentence}"


def policy_of(session: Session, rule_set: str) -> Policy:
    """The rules of a digest, as they were when they were in force."""
    return parsed(rule_set, rule_sets.source_of(session, rule_set))

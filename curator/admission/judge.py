"""The last step of an admission: facts before the rules, and a decision on the record."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from curator.admission import copies, decisions, looks, progress, scans, seen, snapshots
from curator.admission.decisions import Ruling
from curator.admission.documents import card_in, tags_of
from curator.admission.facts import facts_of
from curator.admission.look import Look, material
from curator.admission.memory import memory_of
from curator.admission.names import with_approved
from curator.admission.origins import root_of, walked
from curator.admission.ownership import owner_seen
from curator.admission.progress import Sought
from curator.admission.snapshots import Snapshot
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, now
from curator.policy import lists, rule_sets, waivers
from curator.policy.in_force import parsed
from curator.queue.work import Work, ask_for, finish
from curator.types import BlobId, Commit, RepoFile
from rules.circumstances import EVERYBODY, Audience, Circumstances
from rules.evaluate import Outcome, Standing, evaluate
from rules.model import Policy
from scanners.finding import Report
from scanners.repository.known import Known, shipped

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges commits under the rules that the asker's server had in force."""

    database: Database
    retry_failed_s: float
    known: Known = field(default_factory=shipped)

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
            stamp = _stamp(session, snapshot_id)
            snapshot = snapshots.get(session, snapshot_id)
            files = snapshots.files(session, snapshot_id)
            reports = scans.reports_of(session, snapshot_id)
            failures = {
                (file.blob, file.name): progress.scan_failure(session, file.blob, file.name) or "it was not scanned"
                for file in files
                if (file.blob, file.name) not in reports
            }
            look = looks.find(session, snapshot_id)
            profile = copies.profile_of(snapshot, look, files, reports) if look is not None else None
            policy = policy_of(session, rule_set)
            circumstances = circumstances_of(session, sought.audience)
            # What is known of a commit is the same for everybody, whoever approved the names that it is compared with.
            known = with_approved(self.known, circumstances_of(session, EVERYBODY))
            memory = memory_of(session, snapshot, look, profile, known)
        if look is not None and not look.after_scans and _names_more(snapshot, look, files, reports):
            return self._look_again(work, snapshot_id)
        facts = facts_of(snapshot, files, reports, failures, now(), look, memory)
        decision = evaluate(policy, facts, circumstances)
        # What could not be fetched or learnt may be there in a while; what was judged stays judged.
        passing = failures or look is None or not look.is_complete
        again = facts.observed_at + dt.timedelta(seconds=self.retry_failed_s) if passing else None
        expires_at = min((moment for moment in (again, decision.until) if moment is not None), default=None)
        commit = snapshot.commit
        with self.database.write() as session:
            if _stamp(session, snapshot_id) != stamp or circumstances_of(session, sought.audience) != circumstances:
                return None
            earlier = decisions.before(session, snapshot_id, sought.audience, rule_set)
            ruling = decisions.keep(session, snapshot_id, decision, facts, expires_at, sought.audience)
            record_decision(session, commit, ruling)
            if earlier is not None and differ(earlier, ruling):
                record_change(session, commit, earlier, ruling, ruling.audience)
            if profile is not None:
                copies.keep(session, snapshot_id, profile)
            if ruling.outcome is Outcome.ALLOW and look is not None:
                seen.allowed(session, commit.repo, owner_seen(snapshot, look).as_json(), facts.observed_at)
            progress.close_admission(session, sought)
            finish(session, work)
            following = progress.ask_to_follow(session, facts.code_from, rule_set)
        log.info("%s: %s (%s)", commit, ruling.outcome.value, ruling.id)
        return following

    def _look_again(self, work: Work, snapshot_id: int) -> list[Work]:
        """Have asked for what weights name as their base; it is judged when that is known."""
        with self.database.write() as session:
            finish(session, work)
            return [ask_for(session, progress.LOOK, str(snapshot_id))]


def _names_more(
    snapshot: Snapshot, look: Look, files: Sequence[RepoFile], reports: Mapping[tuple[BlobId, str], Report]
) -> bool:
    """Whether the scans tell of parents that the look, which was beside them, could not know of."""
    card, tags = card_in(snapshot, look.texts), tags_of(snapshot)
    root = root_of(snapshot.commit, card, tags, look.texts, files, reports)
    return bool(walked(root, look.relatives)[1])


def _stamp(session: Session, snapshot_id: int) -> tuple[object, ...]:
    """Changes whenever what is known of a commit does, and is material: counts of downloads grow all the time."""
    info = material(snapshots.get(session, snapshot_id).info)
    return info, *scans.stamp(session, snapshot_id), looks.stamp(session, snapshot_id)


def circumstances_of(session: Session, audience: Audience) -> Circumstances:
    """What people have decided, whomever it is for, and who asks."""
    moment = now()
    return Circumstances(audience, waivers.active(session, moment), lists.active(session, moment))


def record_decision(session: Session, commit: Commit, ruling: Ruling) -> None:
    """Put on the record that a commit was judged, and which waivers that rests on."""
    sentence = ruling.left_out_sentence(str(commit.repo)) if not ruling.rules else ruling.sentence
    append(session, _event(Action.DECIDE, commit, ruling, ruling.audience, sentence))
    answered: dict[str, dict[str, None]] = {}
    for reason in ruling.decision.reasons:
        for waiver in reason.by if reason.standing is Standing.WAIVED else ():
            answered.setdefault(waiver, {})[reason.rule] = None
    for waiver, rules in answered.items():
        said = f"waiver {waiver} answers {', '.join(rules)} for {commit}"
        used = _event(Action.WAIVER_USED, commit, ruling, ruling.audience, said)
        append(session, replace(used, rules=",".join(rules)))


def differ(earlier: Ruling, ruling: Ruling) -> bool:
    """Whether whoever asks is given anything else than before."""
    return (earlier.outcome, set(earlier.excluded)) != (ruling.outcome, set(ruling.excluded))


def record_change(session: Session, commit: Commit, earlier: Ruling, ruling: Ruling, audience: Audience) -> None:
    """Put on the record that a commit is decided about otherwise than before, for these."""
    sentence = f"{_said(earlier, commit).rstrip('.')} until now (decision {earlier.id}); now {_said(ruling, commit)}"
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

"""Give a waiver, and take one back: what it covers, what would still stand, and which decisions are made anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sqlmodel import Session, col, func, select

from curator.admission import decisions, reopening, snapshots
from curator.admission.decisions import Ruling
from curator.admission.judge import circumstances_of, policy_of
from curator.admission.reopening import Reopened
from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.policy import waivers
from curator.policy.waivers import KeptWaiver, Limits, Wanted
from curator.policy.word import BadWord
from curator.review import apart
from curator.types import Commit, RepoKind
from rules.case import Case
from rules.circumstances import NOTHING_DECIDED, Audience, Circumstances, Scope, Waiver
from rules.evaluate import Decision, Reason, Standing, evaluate
from rules.facts import Facts
from rules.hits import hits_of
from rules.model import Effect, Policy

_AGAINST = frozenset({Effect.BLOCK, Effect.HOLD, Effect.EXCLUDE_FILE})
_MOST_NAMED = 5
_MOST_USES = 100


@dataclass(frozen=True, slots=True)
class Which:
    """What of a decision is to be waived; what is empty does not narrow it down."""

    rules: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    """Ids of findings, such as `pickle-executes-code`."""
    files: tuple[str, ...] = ()
    """Paths, or globs of them."""
    fingerprints: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        return not (self.rules or self.findings or self.files or self.fingerprints)


@dataclass(frozen=True, slots=True)
class Covered:
    """One reason of a decision, and how much of what it rests on is covered."""

    reason: Reason
    fingerprints: frozenset[str]

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.reason.rule,
            "outcome": self.reason.outcome.value,
            "message": self.reason.message,
            "files": list(self.reason.files),
            "covered": len(self.fingerprints),
            "rests_on": len(set(self.reason.fingerprints)),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A waiver before it is given."""

    commit: Commit
    ruling: Ruling
    covered: tuple[Covered, ...]
    after: Decision
    """What the rules in force would decide with it, for the same audience."""
    elsewhere: tuple[str, ...]
    """Other repositories with the same content, which the waiver is about, too; the kind before the name unless it is
    a model's."""

    @property
    def fingerprints(self) -> frozenset[str]:
        return frozenset().union(*(one.fingerprints for one in self.covered))

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.reason.rule for one in self.covered))

    @property
    def still(self) -> tuple[Reason, ...]:
        """What would stand against the commit all the same."""
        return standing_against(self.after.reasons)

    def as_json(self) -> dict[str, Any]:
        return {
            "repository": str(self.commit.repo),
            "kind": self.commit.repo.kind.value,
            "commit": self.commit.sha,
            "decision": self.ruling.id,
            "outcome": self.ruling.outcome.value,
            "covers": [one.as_json() for one in self.covered],
            "outcome_then": self.after.outcome.value,
            "left_out_then": sorted(self.after.excluded_files),
            "elsewhere": list(self.elsewhere),
            "still": [reason.as_json() for reason in self.still],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants what waived, why, for whom, until when."""

    decision: str
    which: Which
    scope: Scope
    reason: str
    by: str
    expires_at: dt.datetime | None


def standing_against(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Those that keep a commit, or files of it, from being served."""
    return tuple(one for one in reasons if one.standing is Standing.ENFORCED and one.outcome in _AGAINST)


def plan(session: Session, request: Request, rule_set: str, limits: Limits) -> Plan:
    """What the waiver would cover, and what would still stand. Raises `BadWord` where there is nothing to waive."""
    found = decisions.find(session, request.decision)
    if found is None:
        raise BadWord(f"There is no decision {request.decision[:64]!a} here")
    ruling, facts = found
    commit = snapshots.get(session, ruling.snapshot_id).commit
    policy = policy_of(session, rule_set)
    covers = covered(ruling, facts, policy, request.which, commit)
    _check_people(policy, covers, ruling)
    waiver = Waiver(
        "new",
        frozenset().union(*(one.fingerprints for one in covers)),
        request.reason,
        request.by,
        request.expires_at,
        request.scope,
    )
    decided = circumstances_of(session, ruling.audience)
    with_it = Circumstances(ruling.audience, (*decided.waivers, waiver), decided.entries)
    after = evaluate(policy, facts.model_copy(update={"observed_at": now()}), with_it)
    made = Plan(commit, ruling, covers, after, elsewhere(session, waiver.fingerprints, commit))
    waivers.check(_wanted(made, request), limits)
    return made


def elsewhere(session: Session, fingerprints: frozenset[str], commit: Commit) -> tuple[str, ...]:
    """Where else decisions rest on these findings."""
    found = reopening.repositories(session, reopening.resting_on(session, fingerprints))
    others = found - {(commit.repo.kind.value, str(commit.repo))}
    return tuple(sorted(name if kind == RepoKind.MODEL else f"{kind}s/{name}" for kind, name in others))


def waive(database: Database, request: Request, rule_set: str, limits: Limits) -> tuple[KeptWaiver, Plan, Reopened]:
    """Give the waiver: the decisions that it concerns have ended with that. Raises `BadWord`, and `NotAllowed` for what
    he has asked for himself."""
    with database.write() as session:
        made = plan(session, request, rule_set, limits)
        repo = made.commit.repo
        apart.check_not_own(session, (repo.kind.value,), (str(repo),), request.by, several=False)
        kept = waivers.add(session, _wanted(made, request), limits)
        record(session, Action.WAIVE, kept, request.by, made.commit.sha, f"waiver {kept.waiver.id} {terms(kept)}")
        reopened = reopen(session, kept.waiver, rule_set)
    return kept, made, reopened


def take_back(database: Database, waiver_id: str, by: str, rule_set: str) -> tuple[KeptWaiver, Reopened]:
    """End a waiver: what rests on it is not served any longer, until it has been decided about anew."""
    with database.write() as session:
        kept = waivers.end(session, waiver_id, by)
        record(session, Action.WAIVER_ENDED, kept, by, None, f"waiver {waiver_id} is taken back; it was {terms(kept)}")
        reopened = reopen(session, kept.waiver, rule_set)
    return kept, reopened


def uses(session: Session, waiver_id: str, reach: Audience | None = None) -> dict[str, Any]:
    """JSON: the decisions that rested on a waiver, the newest first, and how many requests they have served.

    With `reach`, only those that are for this team and project, or for everybody.
    """
    waivers.find(session, waiver_id)
    of_it = (col(AuditRow.action) == Action.WAIVER_USED.value) & col(AuditRow.sentence).startswith(
        f"waiver {waiver_id} "
    )
    if reach is not None:
        of_it &= col(AuditRow.team).in_(("", reach.team)) & col(AuditRow.project).in_(("", reach.project))
    rows = session.exec(select(AuditRow).where(of_it).order_by(col(AuditRow.id).desc()).limit(_MOST_USES)).all()
    made = session.exec(select(func.count()).select_from(AuditRow).where(of_it)).one()
    ids = select(AuditRow.decision).where(of_it)
    given = session.exec(
        select(func.count())
        .select_from(AuditRow)
        .where(AuditRow.action == Action.DOWNLOAD.value, col(AuditRow.decision).in_(ids))
    ).one()
    return {
        "decisions": made,
        "downloads": given,
        "newest": [
            {
                "at": row.at.isoformat(timespec="seconds"),
                "decision": row.decision,
                "repository": row.repo,
                "commit": row.commit,
                "outcome": row.outcome,
                "rules": (row.rules or "").split(","),
            }
            for row in rows
        ],
    }


def covered_by(session: Session, ruling: Ruling, facts: Facts, which: Which, commit: Commit) -> tuple[Covered, ...]:
    """The same under the rules that the decision was made by."""
    return covered(ruling, facts, policy_of(session, ruling.rule_set), which, commit)


def approvers_of(policy: Policy, rules: Iterable[str]) -> dict[str, int]:
    """Those of these rules that want several people for an exception, and how many."""
    named = set(rules)
    return {one.rule.id: one.rule.approvers for one in policy.rules if one.rule.id in named and one.rule.approvers > 1}


def _check_people(policy: Policy, covers: Iterable[Covered], ruling: Ruling) -> None:
    """Raises `BadWord` for what one person alone cannot waive."""
    several = approvers_of(policy, (one.reason.rule for one in covers))
    if several:
        rule, people = next(iter(several.items()))
        raise BadWord(
            f"The rule {rule} wants {people} different people to agree to an exception: propose it by `curator review "
            f"approve {ruling.id} --reason ...`, and somebody else confirms it"
        )


def covered(ruling: Ruling, facts: Facts, policy: Policy, which: Which, commit: Commit) -> tuple[Covered, ...]:
    """What of the reasons is meant, and how much of each. Raises `BadWord` for what is named and is no part of it."""
    standing = standing_against(ruling.decision.reasons)
    if which.rules:
        # A rule that only warns can be waived where it is named.
        standing = tuple(one for one in ruling.decision.reasons if one.standing is Standing.ENFORCED)
        unknown = next((rule for rule in which.rules if all(one.rule != rule for one in standing)), None)
        if unknown is not None:
            raise BadWord(f"The rule {unknown[:80]!a} says nothing against {commit}: {_rules_of(standing)}")
    if not standing:
        raise BadWord(f"Nothing stands against {commit}: there is nothing to waive")
    paths = _paths(facts, which.files, commit)
    case = Case(facts, NOTHING_DECIDED)
    found: list[Covered] = []
    for reason in standing:
        if which.rules and reason.rule not in which.rules:
            continue
        kept = frozenset(reason.fingerprints)
        if which.files:
            kept &= _of_files(reason, paths, case, policy)
        if which.findings:
            kept &= {one.fingerprint for file in facts.files for one in file.findings if one.rule in which.findings}
        if which.fingerprints:
            kept &= frozenset(which.fingerprints)
        if kept:
            found.append(Covered(reason, kept))
    _check_named(found, which, facts, commit)
    return tuple(found)


def _paths(facts: Facts, globs: tuple[str, ...], commit: Commit) -> frozenset[str]:
    paths = [file.path for file in facts.files]
    matched = {glob: [path for path in paths if path == glob or fnmatchcase(path, glob)] for glob in globs}
    unknown = next((glob for glob, found in matched.items() if not found), None)
    if unknown is not None:
        raise BadWord(f"{commit} has no file {unknown[:80]!a}")
    return frozenset(path for found in matched.values() for path in found)


def _of_files(reason: Reason, paths: frozenset[str], case: Case, policy: Policy) -> frozenset[str]:
    """What a reason rests on in these files."""
    if reason.files and paths.issuperset(reason.files):
        return frozenset(reason.fingerprints)
    return frozenset(
        fingerprint
        for rule in policy.rules
        if rule.rule.id == reason.rule
        for hit in hits_of(rule, case).hits
        if hit.file is not None and hit.file.path in paths
        for fingerprint in hit.fingerprints
    )


def _check_named(found: list[Covered], which: Which, facts: Facts, commit: Commit) -> None:
    """Raises `BadWord` for what is named and is no part of the decision: nobody is to believe that it is waived."""
    covered = frozenset[str]().union(*(one.fingerprints for one in found))
    of_id = {
        finding: {one.fingerprint for file in facts.files for one in file.findings if one.rule == finding}
        for finding in which.findings
    }
    stray = next((finding for finding, prints in of_id.items() if prints.isdisjoint(covered)), None)
    if stray is not None:
        raise BadWord(f"The decision about {commit} does not rest on a finding {stray[:80]!a} (of what else is named)")
    other = next((one for one in which.fingerprints if one not in covered), None)
    if other is not None:
        raise BadWord(f"The decision about {commit} does not rest on the fingerprint {other[:80]!a}")
    if not found:
        raise BadWord(f"The decision about {commit} does not rest on what is named: nothing would be waived")


def _rules_of(reasons: Iterable[Reason]) -> str:
    named = list(dict.fromkeys(one.rule for one in reasons))
    if not named:
        return "no rule does"
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return f"those that speak of it are {', '.join(named[:_MOST_NAMED])}{more}"


def _wanted(made: Plan, request: Request) -> Wanted:
    return Wanted(
        fingerprints=made.fingerprints,
        repo=made.commit.repo,
        rules=made.rules,
        decision=made.ruling.id,
        scope=request.scope,
        reason=request.reason,
        by=request.by,
        expires_at=request.expires_at,
    )


def reopen(session: Session, waiver: Waiver, rule_set: str) -> Reopened:
    ids = reopening.resting_on(session, waiver.fingerprints)
    return reopening.end_decisions(session, ids, waiver.scope, rule_set, waiver.fingerprints)


def terms(kept: KeptWaiver) -> str:
    waiver = kept.waiver
    until = waiver.expires_at.isoformat(timespec="minutes") if waiver.expires_at else "further notice"
    return f"of {len(waiver.fingerprints)} findings for {scope_said(waiver.scope)} until {until}: {waiver.reason}"


def scope_said(scope: Scope) -> str:
    """For whom, in words."""
    teams = "" if scope.teams == ("*",) else f"the team{'s' if len(scope.teams) > 1 else ''} {', '.join(scope.teams)}"
    projects = (
        ""
        if scope.projects == ("*",)
        else f"the project{'s' if len(scope.projects) > 1 else ''} {', '.join(scope.projects)}"
    )
    return " in ".join(part for part in (teams, projects) if part) or "everybody"


def record(session: Session, action: Action, kept: KeptWaiver, by: str, commit: str | None, sentence: str) -> None:
    append(
        session,
        AuditEvent(
            action=action,
            actor=by,
            kind=kept.repo.kind,
            repo=str(kept.repo),
            commit=commit,
            outcome=action.value,
            decision=kept.decision,
            rules=",".join(kept.rules) or None,
            sentence=sentence,
        ),
    )

"""What would change an outcome: each change is made, and the rules are asked again; nothing is guessed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from rules.circumstances import Circumstances, ListEffect, ListEntry, Waiver
from rules.decision import Decision, Outcome, Reason, Standing
from rules.evaluate import evaluate
from rules.facts import Facts, LicenseCategory, LicenseFacts
from rules.form import BLOCKED_LIST, NO_RULES, Effect
from rules.model import Policy

_MOST_MOMENTS = 12
"""How many times we look ahead."""
_MOST_NAMES = 3
_RANK = {Outcome.ALLOW: 0, Outcome.HOLD: 1, Outcome.BLOCK: 2}
_NOBODY = "what-if"
_OF_LICENSE = frozenset(
    {"license", "license_not", "license_category", "license_terms", "license_disagrees", "license_changed"}
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would change the outcome, found by evaluating again with it."""

    kind: str
    """`files`, `waiver`, `approval`, `time`, `fact`, or several of them with ` + ` between."""
    how: str
    """In words: `a waiver of what look-alike says`, `in 12 days`."""
    outcome: Outcome
    excluded_files: tuple[str, ...] = ()
    """What would be left out then."""
    about: tuple[str, ...] = ()
    """What somebody's word would be about: for a waiver ids of rules, for an approval `repository` or `commit`, for
    a list ids of entries; empty for all else, and for several changes together."""
    at: dt.datetime | None = None
    """When, for what time changes."""

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "how": self.how,
            "outcome": self.outcome.value,
            "excluded_files": list(self.excluded_files),
            "about": list(self.about),
            "at": self.at.isoformat() if self.at else None,
        }


@dataclass(frozen=True, slots=True)
class _Trial:
    """A change that is tried: what it makes of the facts and of the circumstances."""

    kind: str
    how: str
    about: tuple[str, ...] = ()
    facts: Callable[[Facts], Facts] = lambda facts: facts
    circumstances: Callable[[Circumstances], Circumstances] = lambda circumstances: circumstances


def changes_of(policy: Policy, facts: Facts, circumstances: Circumstances, decision: Decision) -> tuple[Change, ...]:
    """What would make the outcome another one: of what people can do what makes it milder, and what time will do."""
    time = _in_time(policy, facts, circumstances, decision)
    if decision.outcome is Outcome.ALLOW:
        whole = _left_out(policy, facts, circumstances, decision)
        return tuple(change for change in (whole, time) if change is not None)
    if any(reason.rule == NO_RULES for reason in decision.reasons):
        return ()
    trials = list(_trials(policy, facts, decision))
    tried = [(trial, _tried(policy, facts, circumstances, trial)) for trial in trials]
    found = [_change(trial, after) for trial, after in tried if _RANK[after.outcome] < _RANK[decision.outcome]]
    # A waiver always helps, and is the last thing to ask for: what else would do is told besides.
    others = [trial for trial in trials if trial.kind != "waiver"]
    if all(change.outcome is not Outcome.ALLOW for change in found if change.kind != "waiver"):
        found += _pairs(policy, facts, circumstances, others)
    if time is not None:
        found.append(time)
    return tuple(sorted(found, key=lambda change: (_RANK[change.outcome], " + " in change.kind)))


def _left_out(policy: Policy, facts: Facts, circumstances: Circumstances, decision: Decision) -> Change | None:
    """What would let files in that are left out; None if nothing is, or nothing would."""
    against = [reason for reason in decision.excluded_files.values() if reason.standing is Standing.ENFORCED]
    for trial in _waiver(against):
        after = _tried(policy, facts, circumstances, trial)
        if after.outcome is Outcome.ALLOW and len(after.excluded_files) < len(decision.excluded_files):
            return _change(trial, after)
    return None


def _pairs(policy: Policy, facts: Facts, circumstances: Circumstances, trials: list[_Trial]) -> Iterator[Change]:
    """Two changes together, where no single one is enough."""
    for first, second in combinations(trials, 2):
        if first.kind == second.kind:
            continue
        both = _Trial(
            f"{first.kind} + {second.kind}",
            f"{first.how}, and {second.how}",
            (),
            lambda facts, one=first, other=second: other.facts(one.facts(facts)),  # type: ignore[misc]
            lambda said, one=first, other=second: other.circumstances(one.circumstances(said)),  # type: ignore[misc]
        )
        after = _tried(policy, facts, circumstances, both)
        if after.outcome is Outcome.ALLOW:
            yield _change(both, after)


def _tried(policy: Policy, facts: Facts, circumstances: Circumstances, trial: _Trial) -> Decision:
    return evaluate(policy, trial.facts(facts), trial.circumstances(circumstances), brief=True)


def _change(trial: _Trial, after: Decision) -> Change:
    return Change(trial.kind, trial.how, after.outcome, tuple(after.excluded_files), trial.about)


def _trials(policy: Policy, facts: Facts, decision: Decision) -> Iterator[_Trial]:
    """What people can do about the reasons that decide, or stand behind those that do."""
    against = [
        reason
        for reason in decision.reasons
        if reason.standing is Standing.ENFORCED and reason.outcome in {Effect.HOLD, Effect.BLOCK}
    ]
    paths = frozenset(path for reason in against for path in reason.files)
    if paths and paths < {file.path for file in facts.files}:
        yield _Trial("files", f"leaving out {_named(sorted(paths))}", facts=lambda facts: _without(facts, paths))
    yield from _of_facts(policy, facts, against)
    yield from _waiver(against)
    for what, about, commits in (
        ("an approval of the repository", "repository", ()),
        ("an approval of this commit", "commit", (facts.commit,)),
    ):
        entry = ListEntry(
            _NOBODY, ListEffect.APPROVE, (_exactly(facts.repository),), "", "", (facts.kind.value,), frozenset(commits)
        )
        yield _Trial(
            "approval",
            what,
            (about,),
            circumstances=lambda said, entry=entry: replace(said, entries=(*said.entries, entry)),  # type: ignore[misc]
        )
    listed = frozenset(name for reason in against if reason.rule == BLOCKED_LIST for name in reason.by)
    if listed:
        yield _Trial(
            "list",
            f"taking it off the list of what is blocked ({_named(sorted(listed))})",
            tuple(sorted(listed)),
            circumstances=lambda said: replace(
                said, entries=tuple(entry for entry in said.entries if entry.id not in listed)
            ),
        )


def _waiver(against: Sequence[Reason]) -> Iterator[_Trial]:
    """One that covers all that the reasons rest on."""
    fingerprints = frozenset(fingerprint for reason in against for fingerprint in reason.fingerprints)
    if not fingerprints:
        return
    rules = tuple(dict.fromkeys(reason.rule for reason in against if reason.fingerprints))
    named = " and ".join(rules) if len(rules) == 2 else _named(list(rules))
    waiver = Waiver(_NOBODY, fingerprints, "", "")
    yield _Trial(
        "waiver",
        f"a waiver of what {named} {'says' if len(rules) == 1 else 'say'}",
        rules,
        circumstances=lambda said: replace(said, waivers=(*said.waivers, waiver)),
    )


def _of_facts(policy: Policy, facts: Facts, against: list[Reason]) -> Iterator[_Trial]:
    """What the publisher, or use, would have to change; only of what the rules that decide ask for."""
    deciding = {reason.rule for reason in against}
    asked: dict[str, list[Any]] = {}
    reads: set[str] = set()
    for checked in policy.rules:
        if checked.rule.id in deciding:
            for leaf in checked.conditions.leaves():
                asked.setdefault(leaf.name, []).append(leaf.wanted)
            if checked.expression is not None:
                reads.update(checked.expression.reads)
    if asked.keys() & _OF_LICENSE or any(name.startswith("license.") for name in reads):
        for license_id in dict.fromkeys((*_allowed(asked), "apache-2.0")):
            yield _Trial(
                "fact",
                f"the licence {license_id}",
                facts=lambda facts, one=license_id: _licensed(facts, one),  # type: ignore[misc]
            )
    if (asked.keys() & {"lineage_conflict", "lineage_category"} or "lineage.conflict_ids" in reads) and (
        facts.lineage.conflicts
    ):
        cure = " ".join(dict.fromkeys(conflict.cure for conflict in facts.lineage.conflicts)).strip()
        yield _Trial(
            "fact",
            f"no conflict with the licences of its ancestors ({cure})" if cure else "no conflict with its ancestors",
            facts=lambda facts: facts.changed(lineage=facts.lineage.model_copy(update={"conflicts": ()})),
        )
    if "downloads_below" in asked:
        most = max(asked["downloads_below"])
        yield _Trial("fact", f"{most} downloads a month or more", facts=lambda facts: facts.changed(downloads=most))
    if "likes_below" in asked:
        liked = max(asked["likes_below"])
        yield _Trial("fact", f"{liked} likes or more", facts=lambda facts: facts.changed(likes=liked))


def _in_time(policy: Policy, facts: Facts, circumstances: Circumstances, decision: Decision) -> Change | None:
    """When time alone changes the outcome, if nothing else happens; None if it does not, as far as we look."""
    moment = decision.until
    for _ in range(_MOST_MOMENTS):
        if moment is None:
            return None
        after = evaluate(policy, facts.changed(observed_at=moment), circumstances, brief=True)
        if after.outcome is not decision.outcome:
            how = f"in {_span(moment - facts.observed_at)}"
            return Change("time", how, after.outcome, tuple(after.excluded_files), at=moment)
        moment = after.until
    return None


def _span(time: dt.timedelta) -> str:
    if time >= dt.timedelta(days=2):
        return f"{time / dt.timedelta(days=1):.0f} days"
    if time >= dt.timedelta(hours=2):
        return f"{time / dt.timedelta(hours=1):.0f} hours"
    return f"{max(time / dt.timedelta(minutes=1), 1):.0f} minutes"


def _without(facts: Facts, paths: frozenset[str]) -> Facts:
    return facts.changed(files=tuple(file for file in facts.files if file.path not in paths))


def _allowed(asked: dict[str, list[Any]]) -> Iterator[str]:
    """Licences that the rules name as those that may be."""
    for wanted in asked.get("license_not", []):
        yield from [word for word in wanted if not set(word) & set("*?[")][:_MOST_NAMES]


def _licensed(facts: Facts, license_id: str) -> Facts:
    """The same under a permissive licence that every place agrees about."""
    licensed = LicenseFacts(declared=(license_id,), expression=license_id, category=LicenseCategory.PERMISSIVE)
    known = tuple(group for group in facts.unknown if group != "license")
    return facts.changed(license=licensed, unknown=known)


def _exactly(repository: str) -> str:
    """The glob that only this name matches."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in repository)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more

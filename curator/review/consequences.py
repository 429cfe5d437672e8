"""What would become of it if a draft were published: what differs, what its tests say, and what trials have shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from curator.policy import rule_sets
from curator.policy.rule_sets import Difference
from curator.review import drafting
from curator.review.drafting import Checked, Tested
from curator.review.replay import trials
from curator.review.replay.trials import Trial

_NOW = {
    "blocked": ("allowed now", "be blocked"),
    "held": ("allowed now", "be held"),
    "left-out": ("allowed now", "lose files"),
    "released": ("not allowed now", "be allowed"),
    "refused-otherwise": ("refused now", "be refused otherwise"),
}
_MOST_TEAMS = 5


@dataclass(frozen=True, slots=True)
class Consequences:
    """Before rules are published."""

    checked: Checked
    difference: Difference
    tested: Tested | None
    """None where there are no tests, or the draft cannot be used."""
    catalogue: Trial | None
    """The newest trial of just this text on the catalogue; None if there is none."""
    requests: Trial | None
    """The same on what was asked for."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What will change, in words; empty where nobody has tried it."""
        said: list[str] = []
        if self.catalogue is not None and self.catalogue.result is not None:
            changes = self.catalogue.result["changes"]
            said += [_commits(name, changes[name]) for name in _NOW if changes[name]["requests"]]
            said = said or ["No commit that was judged will be decided otherwise."]
        if self.requests is not None and self.requests.result is not None:
            said.append(_asked(self.requests))
        return tuple(said)

    def as_json(self) -> dict[str, Any]:
        return {
            "check": self.checked.as_json(),
            "difference": self.difference.as_json(),
            "tests": self.tested.as_json() if self.tested else None,
            "catalogue": self.catalogue.as_json() if self.catalogue else None,
            "requests": self.requests.as_json() if self.requests else None,
            "sentences": list(self.sentences),
        }


def consequences(session: Session, source: str) -> Consequences:
    """Of publishing this text instead of what is in force. Nothing is tried for it: trials take their time."""
    checked = drafting.check(source)
    digest = rule_sets.in_force(session)
    before = rule_sets.source_of(session, digest) if digest is not None else ""
    differs = rule_sets.compared(before, digest[:12] if digest else "nothing", source, "the draft")
    tested, found = None, list[Trial]()
    if checked.policy is not None:
        found = trials.of_draft(session, checked.policy.digest)
        if checked.policy.expectations:
            tested = drafting.test(session, checked.policy)
    return Consequences(
        checked,
        differs,
        tested,
        next((trial for trial in found if trial.catalogue), None),
        next((trial for trial in found if not trial.catalogue), None),
    )


def _commits(change: str, figures: dict[str, int]) -> str:
    now, then = _NOW[change]
    many, repositories = figures["requests"], figures["repositories"]
    commits = "1 commit that is" if many == 1 else f"{many:,} commits that are"
    of = "" if many == 1 else f", of {repositories:,} {'repository' if repositories == 1 else 'repositories'}"
    return f"{commits} {now} will {then}{of}."


def _asked(trial: Trial) -> str:
    result = trial.result or {}
    teams = [one["team"] for one in result["by_team"] if one["team"] and any(one[name] for name in _NOW)]
    more = f" and {len(teams) - _MOST_TEAMS} more" if len(teams) > _MOST_TEAMS else ""
    whom = f" Teams that notice: {', '.join(teams[:_MOST_TEAMS])}{more}." if teams else ""
    sentence = str(result["sentence"]).rstrip(".")
    return f"Of what was asked for in the last {trial.days:g} days: {sentence[:1].lower()}{sentence[1:]}.{whom}"

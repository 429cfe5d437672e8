"""What all formats are made from: what was wanted, each with the mirror's answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from curator.cli.wanted import Wanted

PACKAGE_VERSION = "0.1.0"
APPROVED_LIST = "approved-list"
NO = ("blocked", "not-found")
"""Nothing but a decision of people will change it."""
OPEN = ("held", "scanning", "not-judged")
"""It may be allowed later."""
ORDER = (*NO, *OPEN, "allowed")


@dataclass(frozen=True, slots=True)
class Answered:
    """One thing that was wanted, with the mirror's answer: an element of `models` in `curator.check/1`."""

    wanted: Wanted
    said: dict[str, Any]

    @property
    def outcome(self) -> str:
        return str(self.said["outcome"])

    @property
    def allowed(self) -> bool:
        return self.outcome == "allowed"

    @property
    def sentence(self) -> str:
        return str(self.said["sentence"])

    @property
    def remarks(self) -> list[str]:
        """What is to be known besides, each a sentence: also of what is allowed."""
        said = self.said
        remarks = [said["behind"]["sentence"]] if said["behind"] else []
        remarks += [f"left out: {about(path, reason)}" for path, reason in said["left_out"].items()]
        remarks += [f"warning: {one['message']} [{one['rule']}]" for one in said["warnings"]]
        remarks += [f"would {one['outcome']} (dry run): {one['message']} [{one['rule']}]" for one in said["dry_run"]]
        remarks += [f"waived: {one['message']} [{one['rule']}]{_by(one)}" for one in said["waived"]]
        # Where an approval answers a rule, it is named there.
        answering = [one for one in said["approved"] if one["rule"] != APPROVED_LIST] or said["approved"]
        remarks += [f"approved: {one['message']} [{one['rule']}]{_by(one)}" for one in answering]
        return remarks


@dataclass(frozen=True, slots=True)
class Answers:
    """All that was wanted, answered, and the rules that the answers name."""

    models: tuple[Answered, ...]
    rule_set: str
    """Digest of the rules in force."""
    rules: Mapping[str, dict[str, Any]]
    """By id: `description`, `owner`, `references`."""

    def __iter__(self) -> Iterator[Answered]:
        return iter(self.models)


def about(path: str, reason: dict[str, Any]) -> str:
    """The reason, naming the file once."""
    message = str(reason["message"])
    return message if message.startswith(path) else f"{path}: {message}"


def exit_code(answered: Iterable[Answered]) -> int:
    """0: all are allowed. 1: one is not, for good. 3: one may be later. What is certain outweighs what is open."""
    outcomes = {one.outcome for one in answered}
    if outcomes.intersection(NO):
        return 1
    return 0 if outcomes <= {"allowed"} else 3


def worst(answered: Iterable[Answered]) -> str:
    """The outcome of all together."""
    return min((one.outcome for one in answered), key=rank, default="allowed")


def summary(answered: Iterable[Answered]) -> str:
    """`3 models: 1 blocked, 2 allowed`."""
    answered = list(answered)
    outcomes = [one.outcome for one in answered]
    counts = [(outcome, outcomes.count(outcome)) for outcome in sorted(set(outcomes), key=rank)]
    nouns = {one.wanted.repo.kind.value for one in answered}
    noun = nouns.pop() if len(nouns) == 1 else "repository"
    plural = "repositories" if noun == "repository" else f"{noun}s"
    return f"{len(outcomes)} {noun if len(outcomes) == 1 else plural}: " + ", ".join(
        f"{count} {outcome}" for outcome, count in counts
    )


def rank(outcome: str) -> int:
    """For sorting, the worst first; what a later version says that this one does not know is bad."""
    return ORDER.index(outcome) if outcome in ORDER else 0


def _by(one: dict[str, Any]) -> str:
    said = [_named(by) for by in one["by"]]
    return f" by {'; '.join(said)}" if said else ""


def _named(by: dict[str, Any]) -> str:
    until = f", until {by['expires_at'][:10]}" if by.get("expires_at") else ""
    reason = f" ({by['reason']}{until})" if by.get("reason") else ""
    return f"{by.get('by', '')} {by['id']}".strip() + reason

"""A decision and its reasons: what evaluation gives, and what the record keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from rules.form import Effect


class Outcome(StrEnum):
    """Of a decision about a commit."""

    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"


class Standing(StrEnum):
    """What became of what a rule says."""

    ENFORCED = "enforced"
    DRY_RUN = "dry-run"
    """The rule is only tried: recorded, and without effect."""
    WAIVED = "waived"
    """Waivers cover all that it rests on."""
    APPROVED = "approved"
    """It asked for somebody to look, and somebody has."""


STRICTNESS = {Effect.ALLOW: 0, Effect.WARN: 1, Effect.EXCLUDE_FILE: 2, Effect.HOLD: 3, Effect.BLOCK: 4}


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule has to say."""

    rule: str
    outcome: Effect
    message: str
    files: tuple[str, ...] = ()
    """Paths of the files that it speaks of."""
    fingerprints: tuple[str, ...] = ()
    """Of the findings that it rests on."""
    standing: Standing = Standing.ENFORCED
    by: tuple[str, ...] = ()
    """Ids of the waivers or list entries that give it this standing, or that say it."""
    owner: str = ""
    """The group that answers for the rule."""

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "outcome": self.outcome.value,
            "message": self.message,
            "files": list(self.files),
            "fingerprints": list(self.fingerprints),
            "standing": self.standing.value,
            "by": list(self.by),
            "owner": self.owner,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            document["rule"],
            Effect(document["outcome"]),
            document["message"],
            tuple(document["files"]),
            tuple(document["fingerprints"]),
            # Decisions of version 0.1 have none of these.
            Standing(document.get("standing", Standing.ENFORCED)),
            tuple(document.get("by", ())),
            document.get("owner", ""),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a commit."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    """What every rule that applied has to say, the strictest first."""
    excluded_files: Mapping[str, Reason] = field(default_factory=dict)
    """Path to the reason for which the file is left out; only of a commit that is allowed."""
    policy_digest: str = ""
    until: dt.datetime | None = None
    """When the mere passing of time may change it (an age, the end of a waiver); None if it never does."""

    def as_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.value,
            "reasons": [reason.as_json() for reason in self.reasons],
            "excluded_files": {path: reason.as_json() for path, reason in self.excluded_files.items()},
            "policy_digest": self.policy_digest,
            "until": self.until.isoformat() if self.until else None,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            Outcome(document["outcome"]),
            tuple(Reason.from_json(reason) for reason in document["reasons"]),
            {path: Reason.from_json(reason) for path, reason in document["excluded_files"].items()},
            document["policy_digest"],
            dt.datetime.fromisoformat(until) if (until := document.get("until")) else None,
        )

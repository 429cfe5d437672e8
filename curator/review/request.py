"""A request for an exception, with all that came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from curator.policy.word import shown
from curator.review.states import STILL_OPEN, State, Step
from curator.types import Commit
from rules.circumstances import Audience


@dataclass(frozen=True, slots=True)
class Requester:
    """One who wants it."""

    name: str
    reason: str
    until: dt.datetime | None
    at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "reason": self.reason, "until": shown(self.until), "at": shown(self.at)}


@dataclass(frozen=True, slots=True)
class Happened:
    """One step of its history."""

    step: Step
    by: str
    said: str
    at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {"step": self.step.value, "by": self.by, "said": self.said, "at": shown(self.at)}


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request with all that came of it."""

    id: str
    commit: Commit
    decision: str
    outcome: str
    audience: Audience
    rules: tuple[str, ...]
    files: tuple[str, ...]
    until: dt.datetime | None
    state: State
    asked_at: dt.datetime
    changed_at: dt.datetime
    requesters: tuple[Requester, ...]
    history: tuple[Happened, ...]

    @property
    def is_open(self) -> bool:
        return self.state in STILL_OPEN

    @property
    def in_part(self) -> bool:
        """Whether it was approved, and something else stands against it all the same."""
        return bool(self.history) and self.history[-1].step is Step.APPROVE_IN_PART

    @property
    def sentence(self) -> str:
        """How it stands, and what whoever asks may do."""
        last = self.history[-1] if self.history else None
        by, said = (last.by, last.said) if last is not None else ("", "")
        match self.state:
            case State.OPEN:
                return f"It waits for a reviewer since {self.asked_at:%Y-%m-%d %H:%M} UTC"
            case State.ASKED_BACK:
                return f"{by} asks: {said}"
            case State.SECOND:
                return f"{by} has approved it, and another reviewer must agree"
            case State.APPROVED:
                if self.in_part:
                    return f"{by} has approved it in part, and something else stands against it still. {said}"
                return f"{by} has approved it: run the same command again. {said}"
            case State.REJECTED:
                if last is not None and last.step is Step.BLOCK:
                    return f"{by} has rejected it, and blocked it for everybody: {said}"
                return f"{by} has rejected it: {said}"
            case State.WITHDRAWN:
                return "It was withdrawn"
            case State.OVERTAKEN:
                return f"{said}: run the same command again"
            case State.EXPIRED:
                return said

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "state": self.state.value,
            "in_part": self.in_part,
            "sentence": self.sentence,
            "repository": str(self.commit.repo),
            "kind": self.commit.repo.kind.value,
            "commit": self.commit.sha,
            "decision": self.decision,
            "outcome": self.outcome,
            "team": self.audience.team,
            "project": self.audience.project,
            "rules": list(self.rules),
            "files": list(self.files),
            "until": shown(self.until),
            "asked_at": shown(self.asked_at),
            "changed_at": shown(self.changed_at),
            "requesters": [one.as_json() for one in self.requesters],
            "history": [one.as_json() for one in self.history],
        }

"""What a reviewer says of a line of the queue, before anything is done: whom it is for, how far it reaches, why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from curator.database.engine import now
from curator.errors import CuratorError
from curator.policy.word import read_until, shown
from rules.circumstances import Scope

EVERYONE = Scope()


class Answer(StrEnum):
    """What becomes of it."""

    APPROVE = "approve"
    BLOCK = "block"
    REJECT = "reject"
    """It stays as it is, and whoever asked is told why."""
    ASK = "ask"
    """Whoever asked is to say something first."""


class Reach(StrEnum):
    """What else it is about than what somebody asked for."""

    COMMIT = "commit"
    """This commit alone; what is waived follows an unchanged file."""
    FINDINGS = "findings"
    """These findings, wherever the same content is."""
    REPOSITORY = "repository"
    """This commit, and what is said of the repository as such at each later one."""
    PUBLISHER = "publisher"
    """The same for all that the publisher has."""


class Answered(CuratorError):
    """Somebody else was quicker, or it is not what the reviewer has seen."""

    status = 409


class StillStands(CuratorError):
    """What is to be approved would be refused all the same."""

    status = 409
    exit_code = 1


def usual_reach(answer: Answer, rules: Collection[str]) -> Reach:
    """How far it reaches if nothing is said: who approves what some rules say means no more than what these rest on,
    and an approval of the commit would answer the others as well."""
    return Reach.FINDINGS if answer is Answer.APPROVE and rules else Reach.COMMIT


def end_of(until: str | None, usual_days: int) -> dt.datetime | None:
    """When it ends, as a reviewer writes it: nothing is the usual time, `never` no end. Raises `BadWord`."""
    text = (until or "").strip()
    if text == "never":
        return None
    return read_until(text or f"{usual_days}d", now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A reviewer's word."""

    answer: Answer
    reason: str
    by: str
    reach: Reach = Reach.COMMIT
    scope: Scope = EVERYONE
    expires_at: dt.datetime | None = None
    rules: tuple[str, ...] = ()
    """Only what these say; empty: all that stands against it."""
    partly: bool = False
    """Whether it is approved although something else stands against it all the same."""

    def as_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer.value,
            "reason": self.reason,
            "by": self.by,
            "reach": self.reach.value,
            "scope": self.scope.as_json(),
            "expires_at": shown(self.expires_at),
            "rules": list(self.rules),
            "partly": self.partly,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        until = document["expires_at"]
        return cls(
            answer=Answer(document["answer"]),
            reason=document["reason"],
            by=document["by"],
            reach=Reach(document["reach"]),
            scope=Scope.from_json(document["scope"]),
            expires_at=dt.datetime.fromisoformat(until) if until else None,
            rules=tuple(document["rules"]),
            partly=document["partly"],
        )

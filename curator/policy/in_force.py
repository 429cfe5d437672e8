"""Which rules are in force, as a server process knows it: looked up whenever anything has changed, else from memory.

The truth is the newest row of changes (`rule_sets.py`). A change makes the generation grow, which every process sees
with its next request, so that no process is told and none is restarted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from sqlmodel import Session

from curator.database.engine import Database
from curator.database.generation import Generation, row_of
from curator.errors import CuratorError
from curator.policy import rule_sets
from rules.audience import distinguished
from rules.circumstances import Audience, Circumstances
from rules.model import Policy, PolicyError, parse_policy

NOTHING_ALLOWED = (
    "This mirror has no valid rules, and without rules nothing is allowed: its administrator is to mend them"
)


class NothingInForce(CuratorError):
    """There are no rules, or none that this version can read: nothing is allowed."""

    status = 403
    code = "GatedRepo"
    exit_code = 3


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules and what people have decided, as they were in one state of the database."""

    state: tuple[int, int]
    """The generation that it was read in, or a later one."""
    policy: Policy
    circumstances: Circumstances
    """All waivers and entries, whomever they are for."""

    @property
    def digest(self) -> str:
        return self.policy.digest

    def audience(self, asks: Audience) -> Audience:
        """Whom the decision for whoever asks is made for, under these rules and none later: it may be everybody's."""
        return _distinguished(self, asks) if asks.team or asks.project else asks

    def __hash__(self) -> int:
        return hash((self.state, self.policy.digest))


class RulesInForce:
    """Answers for one server process."""

    def __init__(
        self, database: Database, generation: Generation, circumstances: Callable[[Session], Circumstances]
    ) -> None:
        self._database = database
        self._generation = generation
        self._circumstances = circumstances
        self._known: InForce | None = None

    async def get(self) -> InForce:
        """What is in force now. Raises `NothingInForce`."""
        known = self._fresh()
        return known if known is not None else await asyncio.to_thread(self.now)

    def now(self) -> InForce:
        """The same for a thread: it may ask the database."""
        known = self._fresh()
        if known is not None:
            return known
        # Taken before, so that what changes in between is looked up again.
        _, word = self._generation.current()
        with self._database.read() as session:
            row = row_of(session)
            # Two that look at about the same time may see two states: in one generation there must only be one, or what
            # was answered to one team under the rules before might be taken for everybody's under those after.
            self._generation.saw(row)
            policy, circumstances = policy_in_force(session), self._circumstances(session)
        found = self._known = InForce((row, word), policy, circumstances)
        return found

    def _fresh(self) -> InForce | None:
        known = self._known
        return known if known is not None and known.state == self._generation.current() else None


def policy_in_force(session: Session) -> Policy:
    """The rules in force, ready to be evaluated. Raises `NothingInForce`."""
    digest = rule_sets.in_force(session)
    if digest is None:
        raise NothingInForce(NOTHING_ALLOWED)
    try:
        return parsed(digest, rule_sets.source_of(session, digest))
    except PolicyError as error:
        why = f"those in force ({digest[:12]}) cannot be used by this version: {error.problems[0]}"
        raise NothingInForce(f"{NOTHING_ALLOWED} ({why})") from None


@lru_cache(maxsize=16)
def parsed(digest: str, source: str) -> Policy:
    """Rules that were kept, parsed once. Raises `PolicyError`."""
    return parse_policy(source, f"rule set {digest[:12]}")


@lru_cache(maxsize=4_096)
def _distinguished(rules: InForce, asks: Audience) -> Audience:
    return distinguished(rules.policy, rules.circumstances, asks)

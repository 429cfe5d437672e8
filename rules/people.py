"""What people have decided that is in force here: for this moment, this audience and these facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from rules.circumstances import Circumstances, ListEffect, ListEntry, Waiver
from rules.facts import Facts
from rules.questions import globs


@dataclass(frozen=True)
class InForce:
    """The waivers and entries that count, each in the order of their ids."""

    waivers: tuple[Waiver, ...]
    approvals: tuple[ListEntry, ...]
    blocks: tuple[ListEntry, ...]

    @property
    def approved(self) -> bool:
        """Whether somebody has put the repository on a list that has this commit on it, too."""
        return bool(self.approvals)

    @cached_property
    def reviews(self) -> tuple[ListEntry, ...]:
        """The approvals of this very commit."""
        return tuple(entry for entry in self.approvals if entry.commits)

    def covering(self, fingerprints: Iterable[str], people: int = 1) -> tuple[Waiver, ...]:
        """The waivers that cover all of these together; none if one is left. Each has so many `people` behind it."""
        wanted = set(fingerprints)
        helping = tuple(one for one in self.waivers if one.fingerprints & wanted and one.people >= people)
        covered = frozenset[str]().union(*(waiver.fingerprints for waiver in helping))
        return helping if wanted and wanted <= covered else ()


def in_force(circumstances: Circumstances, facts: Facts) -> InForce:
    """What of the circumstances counts for these facts, at the moment they were observed."""
    if not circumstances.waivers and not circumstances.entries:
        return _NOTHING
    audience, now = circumstances.audience, facts.observed_at
    waivers = {
        waiver.id: waiver
        for waiver in circumstances.waivers
        if _holds(waiver.expires_at, now) and waiver.scope.covers(audience)
    }
    entries = {
        entry.id: entry
        for entry in circumstances.entries
        if _holds(entry.expires_at, now)
        and facts.kind.value in entry.kinds
        and (not entry.commits or facts.commit in entry.commits)
        and entry.scope.covers(audience)
        and globs(entry.repositories)(facts.repository)
        and (not entry.contents or not entry.contents.isdisjoint(facts.blobs))
    }
    listed = [entries[key] for key in sorted(entries)]
    return InForce(
        tuple(waivers[key] for key in sorted(waivers)),
        tuple(entry for entry in listed if entry.effect is ListEffect.APPROVE),
        tuple(entry for entry in listed if entry.effect is ListEffect.BLOCK),
    )


def _holds(expires_at: dt.datetime | None, now: dt.datetime) -> bool:
    return expires_at is None or expires_at > now


_NOTHING = InForce((), (), ())

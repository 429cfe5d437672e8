"""What the licences along a lineage ask for, and the repository's own does not keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from scanners.repository.license import License
from scanners.repository.lineage import Lineage


class Level(StrEnum):
    """How much is wrong."""

    CONFLICT = "conflict"
    """The own licence grants what the parent's does not."""
    WARNING = "warning"
    """It may be wrong: lawyers differ, or it depends on how the thing was used."""
    DUTY = "duty"
    """The licence fits, and something that it asks for is missing: a notice, a name."""
    GAP = "gap"
    """A licence on the way is not known."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that is not kept; a reader needs no more than this to check and to mend it."""

    id: str
    level: Level
    parent: str
    depth: int
    """1: a parent of the repository itself."""
    parent_license: str
    """SPDX expression."""
    license: str
    """SPDX expression of the repository's own."""
    clause: str
    """Which hop and which clause, as a sentence."""
    cure: str
    """What would mend it, as a sentence."""


def conflicts_of(
    own: License,
    lineage: Lineage,
    *,
    datasets: Mapping[str, License | None] | None = None,
    card_text: str | None = None,
    paths: frozenset[str] | None = None,
) -> tuple[Conflict, ...]:
    """All conflicts, the gravest and nearest first.

    `datasets`: each data set that the card names, with its licence (None: not known). `card_text` and `paths` (of all
    files) are looked at for notices; None: not known, and nothing is said of notices.
    """
    return ()

"""What a repository was made from, and what the licences on the way ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curator.admission.look import Ancestor, Look
from curator.admission.memory import Memory
from curator.admission.snapshots import Snapshot
from curator.types import BlobId
from rules.facts import HopFacts, LicenseCategory, LineageFacts
from scanners.finding import Report
from scanners.repository.license import CATEGORIES, MISSING, license_of


def lineage_facts(
    snapshot: Snapshot,
    card: Mapping[str, Any],
    look: Look,
    reports: Mapping[tuple[BlobId, str], Report],
    memory: Memory,
) -> LineageFacts:
    """All hops that were walked, with the licence at each."""
    del snapshot, card, reports
    hops = tuple(_hop(step) for step in look.ancestors)
    known = [hop for hop in hops if hop.state == "resolved"]
    return LineageFacts(
        ancestors=tuple(dict.fromkeys(hop.parent for hop in hops if hop.state != "cycle")),
        hops=hops,
        unresolved=tuple(dict.fromkeys(hop.parent for hop in hops if hop.state != "resolved")),
        undeclared=memory.undeclared,
        category=max((hop.category for hop in known), key=_rank, default=LicenseCategory.MISSING),
    )


def _hop(step: Ancestor) -> HopFacts:
    found = license_of(step.card, step.tags) if step.state == "resolved" else None
    return HopFacts(
        child=step.child,
        parent=step.parent,
        relation=step.relation,
        depth=step.depth,
        source=step.source,
        state=step.state,
        commit=step.commit,
        license=found.expression if found else "",
        category=LicenseCategory(found.category) if found else LicenseCategory.MISSING,
    )


def _rank(category: LicenseCategory) -> int:
    return -1 if category.value == MISSING else CATEGORIES.index(category.value)

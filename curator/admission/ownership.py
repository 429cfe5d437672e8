"""Whose a repository is, whether that is whose it was, and whom it passes itself off as."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from curator.admission.look import Look
from curator.admission.memory import Memory
from curator.admission.snapshots import Snapshot
from curator.admission.standing import moment_of
from rules.facts import LookalikeFacts, OwnerFacts
from scanners.repository.names import lookalike
from scanners.repository.owners import Change, OwnerSeen, continuity, owner_of
from scanners.repository.parents import Parent
from scanners.repository.suspicion import Copied, suspicion


def owner_facts(snapshot: Snapshot, look: Look, memory: Memory) -> OwnerFacts:
    """What the Hub says of the owner, and what changed since a commit was first allowed."""
    owner = owner_of(look.owner)
    change = _change(snapshot, look, memory)
    return OwnerFacts(
        kind=owner.kind,
        verified=owner.verified,
        created_at=owner.created_at,
        followers=owner.followers,
        repositories=owner.repositories,
        changed=change is not None,
        why=change.why if change else "",
    )


def owner_seen(snapshot: Snapshot, look: Look) -> OwnerSeen:
    """What tells the repository and its owner, as they are now, from others of the same name."""
    owner, info = owner_of(look.owner), snapshot.info
    repository_id = info.get("_id")
    return OwnerSeen(
        owner_id=owner.id or None,
        owner_created_at=owner.created_at,
        repository_id=repository_id if isinstance(repository_id, str) and repository_id else None,
        repository_created_at=moment_of(info.get("createdAt")),
        first_commit=look.first_commit or None,
    )


def suspicion_of(
    snapshot: Snapshot, look: Look, memory: Memory, parents: Iterable[Parent], observed_at: dt.datetime
) -> LookalikeFacts:
    """The name, the owner and what is copied, taken together."""
    repo = snapshot.commit.repo
    copied = memory.copied
    named = {parent.repository.casefold() for parent in parents}
    alike = (copied.card_of, *copied.weights_of, *copied.shape_of)
    found = suspicion(
        lookalike(str(repo), memory.known),
        owner_of(look.owner) if look.owner else None,
        Copied(copied.card_of, copied.card_similarity, copied.weights_of, copied.shape_of),
        observed_at=observed_at,
        known_publisher=repo.namespace is not None and memory.known.is_publisher(repo.namespace),
        names_its_parent=bool(named & {one.casefold() for one in alike}),
        change=_change(snapshot, look, memory),
    )
    return LookalikeFacts(of=found.of, score=found.score, why=found.why)


def _change(snapshot: Snapshot, look: Look, memory: Memory) -> Change | None:
    if memory.before.owner is None:
        return None
    return continuity(OwnerSeen.from_json(memory.before.owner), owner_seen(snapshot, look))

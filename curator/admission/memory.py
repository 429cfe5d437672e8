"""What this mirror remembers that bears on a commit: how its repository was before, and what else is like it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from curator.admission import history, looks, seen, snapshots
from curator.admission.copies import Profile, likeness_of
from curator.admission.documents import README, card_of
from curator.admission.look import Look
from curator.admission.seen import Before
from curator.admission.snapshots import Snapshot
from curator.admission.tables import SnapshotRow
from rules.facts import CopyFacts
from scanners.repository.known import Known, shipped

_MOST_EARLIER = 20


@dataclass(frozen=True, slots=True)
class EarlierCard:
    """What a commit of the same repository declared, that was made before this one."""

    commit: str
    card: dict[str, Any]
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it."""

    before: Before = field(default_factory=Before)
    earlier: tuple[EarlierCard, ...] = ()
    """Of the same repository, the newest first."""
    copied: CopyFacts = field(default_factory=CopyFacts)
    undeclared: tuple[str, ...] = ()
    """Repositories that this one seems to be made from, and does not name."""
    known: Known = field(default_factory=shipped)
    """The names that others may be taken for, with those that were approved here."""


NOTHING = Memory()


def memory_of(session: Session, snapshot: Snapshot, look: Look | None, profile: Profile | None, known: Known) -> Memory:
    repo = snapshot.commit.repo
    like = likeness_of(session, snapshot, look, profile, known) if look is not None and profile is not None else None
    return Memory(
        before=seen.before(session, repo),
        earlier=_earlier(session, snapshot, look),
        copied=like.copied if like else CopyFacts(),
        undeclared=like.undeclared if like else (),
        known=known,
    )


def _earlier(session: Session, snapshot: Snapshot, look: Look | None) -> tuple[EarlierCard, ...]:
    """The cards of the repository's other commits that were looked at and are older: by the Hub's dates, or because a
    branch was seen at them before it was seen at this one. A commit says itself when it was made, and may lie."""
    if look is None:
        return ()
    repo, sha = snapshot.commit.repo, snapshot.commit.sha
    seen_before = history.seen_before(session, snapshot.commit)
    ids = session.exec(
        select(SnapshotRow.id)
        .where(SnapshotRow.kind == repo.kind.value, SnapshotRow.repo == str(repo), SnapshotRow.sha != sha)
        .order_by(col(SnapshotRow.id).desc())
        .limit(_MOST_EARLIER)
    )
    found: list[tuple[str, EarlierCard]] = []
    for one in ids:
        other = looks.find(session, one) if one is not None else None
        if other is None or one is None:
            continue
        dated = bool(other.committed_at) and other.committed_at < look.committed_at
        name = snapshots.get(session, one).commit.sha
        card = card_of(other.texts.get(README, "")) if dated or name in seen_before else None
        if card:
            found.append((other.committed_at, EarlierCard(name, card, other.texts)))
    return tuple(card for _, card in sorted(found, key=lambda pair: pair[0], reverse=True))

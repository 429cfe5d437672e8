"""What a commit has of repositories of other owners that went through this mirror, or that its name is like.

Who was first is the original: the better known publisher, else the repository that the Hub says is older. The original
is never told to be a copy.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, delete, select

from curator.admission.documents import README, documents_of
from curator.admission.look import Look
from curator.admission.snapshots import Snapshot
from curator.admission.standing import moment_of
from curator.admission.tables import EntryRow, LookRow, SignatureRow, SnapshotRow
from curator.types import BlobId, RepoFile
from rules.facts import CopyFacts
from scanners.finding import Report
from scanners.repository.cards import CardSignature, card_signature, similarity
from scanners.repository.fingerprints import (
    SMALLEST_WEIGHTS,
    Fingerprint,
    SeenFile,
    fingerprint_of,
    undeclared_parents,
    weights_of,
)
from scanners.repository.known import Known
from scanners.repository.suspicion import FIRST_SIMILARITY

_CARD, _SHAPE = "card", "shape"
_MOST_ALIKE = 50
"""Commits that are compared with one, the newest first."""
_MOST_KEYS = 5_000
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Profile:
    """By what a commit is compared with others."""

    card: CardSignature
    shape: Fingerprint
    weights: frozenset[str]
    """Contents, as `BlobId` prints them."""

    @property
    def keys(self) -> set[tuple[str, str]]:
        return {(_CARD, band) for band in self.card.bands} | {(_SHAPE, key) for key in self.shape.keys()}  # noqa: SIM118 - no dictionary

    def as_json(self) -> dict[str, Any]:
        return {"card": self.card.as_json(), "shape": self.shape.as_json()}


@dataclass(frozen=True, slots=True)
class Likeness:
    """What was found."""

    copied: CopyFacts
    undeclared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Other:
    """A commit of another owner."""

    repository: str
    created_at: dt.datetime | None
    relatives: frozenset[str]
    profile: dict[str, Any]


def profile_of(
    snapshot: Snapshot, look: Look, files: Sequence[RepoFile], reports: Mapping[tuple[BlobId, str], Report]
) -> Profile:
    """Of a commit whose files were scanned."""
    seen = seen_files(files, reports)
    card = card_signature(look.texts.get(README, ""), str(snapshot.commit.repo))
    return Profile(card, fingerprint_of(seen, documents_of(look.texts)), weights_of(seen))


def seen_files(files: Iterable[RepoFile], reports: Mapping[tuple[BlobId, str], Report]) -> list[SeenFile]:
    """Each file with what its scan noted; nothing, where it has none."""
    return [
        SeenFile(file.path, file.size, str(file.blob), report.metadata if report else {})
        for file in files
        for report in (reports.get((file.blob, file.name)),)
    ]


def keep(session: Session, snapshot_id: int, profile: Profile) -> None:
    """Let others be compared with it."""
    row = session.get(LookRow, snapshot_id)
    if row is None:
        return
    document = json.dumps(profile.as_json())
    if row.profile == document:
        return
    row.profile = document
    session.add(row)
    session.execute(delete(SignatureRow).where(col(SignatureRow.snapshot_id) == snapshot_id))
    session.add_all(SignatureRow(snapshot_id=snapshot_id, kind=kind, value=value) for kind, value in profile.keys)


def likeness_of(session: Session, snapshot: Snapshot, look: Look, profile: Profile, known: Known) -> Likeness:
    """What it has of others."""
    created_at = moment_of(snapshot.info.get("createdAt"))
    own = snapshot.commit.repo.namespace or ""
    with_weights = _holding(session, snapshot, profile.weights)
    others = [
        other
        for other in _alike(session, snapshot, profile)
        if _was_first(other.repository, other.created_at, own, created_at, known)
    ]
    weights = {
        one.repository for one in with_weights if _was_first(one.repository, one.created_at, own, created_at, known)
    }
    cards = {
        other.repository: similarity(profile.card, CardSignature.from_json(other.profile["card"])) for other in others
    }
    if look.original is not None:
        original = look.original
        if _was_first(original.repository, moment_of(original.created_at), own, created_at, known):
            large = {f"sha256:{sha}" for sha, size in original.weights.items() if size >= SMALLEST_WEIGHTS}
            if large & profile.weights:
                weights.add(original.repository)
            if original.card:
                signature = card_signature(original.card, original.repository)
                cards[original.repository] = max(
                    cards.get(original.repository, 0.0), similarity(profile.card, signature)
                )
    best = max(cards, key=lambda name: (cards[name], name), default="")
    score = cards.get(best, 0.0)
    shaped = _shaped(snapshot, look, profile, others)
    copied = CopyFacts(
        card_of=best if score >= FIRST_SIMILARITY else "",
        card_similarity=round(score, 3) if score >= FIRST_SIMILARITY else 0.0,
        weights_of=tuple(sorted(weights))[:_MOST_TOLD],
        shape_of=tuple(shaped)[:_MOST_TOLD],
    )
    return Likeness(copied.model_copy(update={"why": _why(copied)}), tuple(shaped)[:_MOST_TOLD])


def _shaped(snapshot: Snapshot, look: Look, profile: Profile, others: Iterable[_Other]) -> list[str]:
    """Repositories that are the same model by tensors and tokenizer, and that it does not name on its way back.

    Two that were made from the same one are like each other and no copies; of a line of such, the first is meant.
    """
    own, relatives = str(snapshot.commit.repo).casefold(), _names(look)
    known = {other.repository: Fingerprint.from_json(other.profile["shape"]) for other in others}
    origins = {other.repository: other.relatives for other in others}
    declared = {name: shape for name, shape in known.items() if name.casefold() in relatives}
    strangers = {
        name: shape for name, shape in known.items() if own not in origins[name] and not origins[name] & relatives
    }
    found = [name for name, _ in undeclared_parents(profile.shape, declared, strangers)]
    return [name for name in found if not any(one.casefold() in origins[name] for one in found if one != name)]


def _alike(session: Session, snapshot: Snapshot, profile: Profile) -> list[_Other]:
    keys = profile.keys
    if not keys:
        return []
    # The few that share a key first, whatever a database thinks of how many there are; its index has the kind first.
    sharing = (
        select(SignatureRow)
        .where(
            col(SignatureRow.kind).in_({kind for kind, _ in keys}),
            col(SignatureRow.value).in_([value for _, value in keys]),
        )
        .cte("sharing")
        .prefix_with("MATERIALIZED")
    )
    rows = session.exec(
        select(SnapshotRow.id, SnapshotRow.repo, sharing.c.kind, sharing.c.value)
        .join(sharing, sharing.c.snapshot_id == SnapshotRow.id)
        .where(
            SnapshotRow.kind == snapshot.commit.repo.kind.value,
            SnapshotRow.repo != str(snapshot.commit.repo),
        )
        .order_by(col(SnapshotRow.id).desc())
        .limit(_MOST_KEYS)
    )
    newest: dict[str, int | None] = {}
    for snapshot_id, repo, kind, value in rows:
        if (kind, value) in keys and len(newest) < _MOST_ALIKE and not _same_owner(repo, snapshot):
            newest.setdefault(repo, snapshot_id)
    return [other for one in newest.values() if (other := _other(session, one)) is not None]


def _other(session: Session, snapshot_id: int | None) -> _Other | None:
    row, look = session.get(SnapshotRow, snapshot_id), session.get(LookRow, snapshot_id)
    if row is None or look is None or look.profile is None:
        return None
    relatives = _names(Look.from_json(json.loads(look.document)))
    return _Other(row.repo, moment_of(json.loads(row.info).get("createdAt")), relatives, json.loads(look.profile))


def _holding(session: Session, snapshot: Snapshot, weights: frozenset[str]) -> list[_Other]:
    """Repositories of others that hold one of these contents."""
    if not weights:
        return []
    rows = session.exec(
        select(SnapshotRow.id, SnapshotRow.repo)
        .join(EntryRow, col(EntryRow.snapshot_id) == SnapshotRow.id)
        .where(
            col(EntryRow.blob).in_(weights),
            SnapshotRow.kind == snapshot.commit.repo.kind.value,
            SnapshotRow.repo != str(snapshot.commit.repo),
        )
        .order_by(col(SnapshotRow.id).desc())
        .limit(_MOST_KEYS)
    )
    newest: dict[str, int | None] = {}
    for snapshot_id, repo in rows:
        if len(newest) < _MOST_ALIKE and not _same_owner(repo, snapshot):
            newest.setdefault(repo, snapshot_id)
    found = []
    for repo, snapshot_id in newest.items():
        row = session.get(SnapshotRow, snapshot_id)
        created_at = moment_of(json.loads(row.info).get("createdAt")) if row is not None else None
        found.append(_Other(repo, created_at, frozenset(), {}))
    return found


def _names(look: Look) -> frozenset[str]:
    """All that a look came by on the way back, in small letters."""
    return frozenset(name.casefold() for one in look.relatives for name in (one.asked, one.repository) if name)


def _same_owner(repository: str, snapshot: Snapshot) -> bool:
    namespace = repository.partition("/")[0] if "/" in repository else ""
    return namespace.casefold() == (snapshot.commit.repo.namespace or "").casefold()


def _was_first(
    other: str, other_created: dt.datetime | None, own: str, own_created: dt.datetime | None, known: Known
) -> bool:
    """Whether the other one is the original."""
    owner = other.partition("/")[0] if "/" in other else ""
    famous = (not owner or known.is_publisher(owner), not own or known.is_publisher(own))
    if famous[0] != famous[1]:
        return famous[0]
    return other_created is not None and own_created is not None and other_created < own_created


def _why(copied: CopyFacts) -> str:
    said = []
    if copied.card_of:
        amount = (
            "the same card as" if copied.card_similarity >= 0.95 else f"{copied.card_similarity:.0%} of the card of"
        )
        said.append(f"it has {amount} {copied.card_of}")
    if copied.weights_of:
        said.append(f"the very same weights as {', '.join(copied.weights_of)}")
    if copied.shape_of:
        said.append(f"the same tensors and tokenizer as {', '.join(copied.shape_of)}")
    return "; ".join(said)

"""What kind of name a revision is, which nothing but the upstream's list of branches and tags tells.

It is learned while the upstream can be asked, so that a tag is a tag also when it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from curator.admission.tables import ReferenceRow
from curator.types import RefKind, RepoId, Revision

_MAIN = "main"
_PREFIXES = {"refs/heads/": RefKind.BRANCH, "refs/convert/": RefKind.CONVERSION, "refs/tags/": RefKind.TAG}


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that somebody asked for."""

    revision: str
    sha: str
    """The commit that it last stood for."""
    kind: RefKind | None
    """None: it is not known."""


def evident_kind(revision: Revision) -> RefKind | None:
    """What the name itself tells; None if that is nothing."""
    if revision.text == _MAIN:
        return RefKind.BRANCH
    return next((kind for prefix, kind in _PREFIXES.items() if revision.text.startswith(prefix)), None)


def is_known(session: Session, asked: RepoId, revision: Revision) -> bool:
    """Whether there is nothing to be learned about it."""
    row = session.get(ReferenceRow, (asked.kind.value, str(asked), revision.text))
    return evident_kind(revision) is not None or (row is not None and row.ref_kind is not None)


def learn(session: Session, asked: RepoId, listed: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    """Keep of each name that somebody asked for what it is in the upstream's list, by group."""
    kinds: dict[str, RefKind] = {}
    for kind in (RefKind.BRANCH, RefKind.CONVERSION, RefKind.TAG):
        for ref in listed.get(kind.value, ()):
            # A branch and a tag may have one name; asked for by that, it is the branch that is meant.
            kinds.setdefault(ref["ref"], kind)
            kinds.setdefault(ref["name"], kind)
    for row in _rows(session, asked):
        row.ref_kind = kinds.get(row.revision, RefKind.NEITHER).value
        session.add(row)


def references(session: Session, asked: RepoId) -> list[Reference]:
    """The branches and tags of a repository that somebody asked for, by name."""
    return [
        Reference(row.revision, row.sha, evident_kind(Revision(row.revision)) or _kind(row))
        for row in _rows(session, asked)
    ]


def _kind(row: ReferenceRow) -> RefKind | None:
    return RefKind(row.ref_kind) if row.ref_kind is not None else None


def _rows(session: Session, asked: RepoId) -> list[ReferenceRow]:
    rows = session.exec(
        select(ReferenceRow)
        .where(ReferenceRow.kind == asked.kind.value, ReferenceRow.asked == str(asked))
        .order_by(col(ReferenceRow.revision))
    )
    return [row for row in rows if row.revision != row.sha and not Revision(row.revision).is_commit]

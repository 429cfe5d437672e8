"""What was made from what, turned around: of a repository, the commits that go back to it. Kept with the facts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, tuple_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from curator.admission.catalogue.tables import CatalogueRow
from curator.admission.tables import DescentFillRow, DescentRow, FactsRow, SnapshotRow
from curator.database.engine import Database, now
from curator.upkeep import keep_doing
from rules.facts import Facts

_AT_ONCE = 50
_PAUSE_S = 0.02
_MOST = 500


@dataclass(frozen=True, slots=True)
class Descendant:
    """A commit that goes back to a repository."""

    repo: str
    commit: str
    snapshot_id: int
    ancestor: str
    relation: str
    depth: int
    through: str
    allowed: bool
    """Whether it, or what `main` of it stands for by now, is allowed for somebody."""

    @property
    def cursor(self) -> str:
        return f"{self.repo}|{self.snapshot_id}"


def note(session: Session, snapshot_id: int, facts: Facts) -> None:
    """Keep what a commit was made from, within the transaction that keeps its facts."""
    _note(session, snapshot_id, facts.repository, [hop.model_dump(mode="json") for hop in facts.lineage.hops])


def descendants(
    session: Session, ancestors: tuple[str, ...], after: str | None = None, limit: int = 50
) -> list[Descendant]:
    """What goes back to one of these (in small letters), by its name; of each the newest commit that is known."""
    newest = (
        select_columns(
            col(DescentRow.repo),
            func.max(DescentRow.snapshot_id).label("snapshot_id"),
            func.min(DescentRow.ancestor).label("ancestor"),
        )
        .where(col(DescentRow.ancestor).in_(ancestors))
        .group_by(col(DescentRow.repo))
        .order_by(col(DescentRow.repo))
        .limit(min(limit, _MOST))
    )
    if after is not None:
        newest = newest.where(col(DescentRow.repo) > after.partition("|")[0])
    found = session.connection().execute(newest).all()
    keys = [(row.ancestor, row.repo, row.snapshot_id) for row in found]
    key = tuple_(DescentRow.ancestor, DescentRow.repo, DescentRow.snapshot_id)
    edges = (
        {(row.repo, row.snapshot_id): row for row in session.exec(select(DescentRow).where(key.in_(keys)))}
        if keys
        else {}
    )
    shas = _shas(session, [row.snapshot_id for row in found])
    allowed = _allowed(session, [row.repo for row in found])
    made = []
    for repo, snapshot_id, ancestor in found:
        edge = edges.get((repo, snapshot_id))
        made.append(
            Descendant(
                repo,
                shas.get(snapshot_id, ""),
                snapshot_id,
                ancestor,
                edge.relation if edge is not None else "",
                edge.depth if edge is not None else 0,
                edge.through if edge is not None else "",
                repo in allowed,
            )
        )
    return made


def count(session: Session, ancestors: tuple[str, ...]) -> int:
    """How many repositories go back to one of these."""
    of = select_columns(func.count(func.distinct(DescentRow.repo))).where(col(DescentRow.ancestor).in_(ancestors))
    return int(session.connection().execute(of).scalar_one())


def count_allowed(session: Session, ancestors: tuple[str, ...]) -> int:
    """How many of them are allowed for somebody."""
    repos = select_columns(col(DescentRow.repo)).where(col(DescentRow.ancestor).in_(ancestors)).distinct()
    of = select_columns(func.count(func.distinct(CatalogueRow.repo))).where(
        *_is_allowed(), col(CatalogueRow.repo).in_(repos)
    )
    return int(session.connection().execute(of).scalar_one())


def _shas(session: Session, snapshot_ids: list[int]) -> dict[int, str]:
    rows = session.exec(select(SnapshotRow.id, SnapshotRow.sha).where(col(SnapshotRow.id).in_(snapshot_ids)))
    return {one: sha for one, sha in rows if one is not None}


def _allowed(session: Session, repos: list[str]) -> set[str]:
    rows = session.exec(select(CatalogueRow.repo).where(*_is_allowed(), col(CatalogueRow.repo).in_(repos)).distinct())
    return set(rows)


def _is_allowed() -> tuple[Any, ...]:
    held = col(CatalogueRow.expires_at).is_(None) | (col(CatalogueRow.expires_at) > now())
    return (CatalogueRow.kind == "model", CatalogueRow.outcome == "allow", held)


def _note(session: Session, snapshot_id: int, repo: str, hops: list[dict[str, Any]]) -> None:
    session.connection().execute(delete(DescentRow).where(col(DescentRow.snapshot_id) == snapshot_id))
    edges: dict[str, dict[str, Any]] = {}
    for hop in sorted(hops, key=lambda hop: hop.get("depth", 1)):
        ancestor = str(hop["parent"]).lower()
        if ancestor == repo.lower():
            continue
        edges.setdefault(
            ancestor,
            {
                "ancestor": ancestor,
                "repo": repo,
                "snapshot_id": snapshot_id,
                "relation": hop.get("relation", ""),
                "depth": hop.get("depth", 1),
                "through": hop.get("child", repo),
            },
        )
    if edges:
        session.connection().execute(insert(DescentRow.__table__), list(edges.values()))  # type: ignore[attr-defined]


async def fill(database: Database) -> None:
    """Take what was known before descents were kept, until all is taken."""
    await keep_doing(lambda: None if fill_some(database) else _PAUSE_S, "what was made from what cannot be learnt")


def fill_some(database: Database) -> bool:
    """Take the next few commits; whether that was all."""
    if filled(database):
        return True
    with database.write() as session:
        place = session.get_one(DescentFillRow, 1)
        ids = session.exec(
            select(FactsRow.snapshot_id)
            .where(FactsRow.snapshot_id > place.snapshot_id)
            .distinct()
            .order_by(col(FactsRow.snapshot_id))
            .limit(_AT_ONCE)
        ).all()
        newest = (
            select(func.max(FactsRow.id)).where(col(FactsRow.snapshot_id).in_(ids)).group_by(col(FactsRow.snapshot_id))
        )
        for row in session.exec(select(FactsRow).where(col(FactsRow.id).in_(newest))):
            # As it was written then: facts of an older form are read no further than is wanted here.
            document = json.loads(row.facts)
            _note(session, row.snapshot_id, document["repository"], document.get("lineage", {}).get("hops", []))
        place.snapshot_id = ids[-1] if ids else place.snapshot_id
        place.done = len(ids) < _AT_ONCE
        session.add(place)
        return place.done


def filled(database: Database) -> bool:
    """Whether all that was known before is taken."""
    with database.read() as session:
        place = session.get(DescentFillRow, 1)
        return place is None or place.done

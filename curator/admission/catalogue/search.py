"""Looks through the catalogue: in pages by key, whatever it is sorted by."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from curator.admission.catalogue.describe import formats_in
from curator.admission.catalogue.said import AGAIN, BadCursor, Item, Page, Query, Sort, Viewpoint
from curator.admission.catalogue.tables import CatalogueApartRow, CatalogueRow

_MOST = 200
_LONGEST_CURSOR = 1_000


def page(session: Session, query: Query, view: Viewpoint, after: str | None = None, limit: int = 50) -> Page:
    """The lines that follow `after`. Raises `BadCursor`."""
    statement = select(CatalogueRow, verdict_of(view)).where(*conditions(query, view)).order_by(*_order(query.sort))
    if after is not None:
        statement = statement.where(_behind(query.sort, _read(after, query.sort)))
    limit = min(limit, _MOST)
    rows = session.exec(statement.limit(limit + 1)).all()
    apart = _apart(session, [row for row, _ in rows[:limit]], view)
    items = tuple(_item(row, verdict, apart.get((row.kind, row.repo))) for row, verdict in rows[:limit])
    return Page(items, _cursor(query.sort, rows[limit - 1][0]) if len(rows) > limit else None)


def verdict_of(view: Viewpoint) -> ColumnElement[str]:
    """What holds: a decision under other rules, by other scanners, for others or that has ended says nothing now."""
    if not view.audience:
        return case((_holds(view), col(CatalogueRow.outcome)), else_=AGAIN)
    row, apart = CatalogueRow, CatalogueApartRow
    # What was decided for everybody, as the rules answer it for these.
    answered = (
        select(apart.outcome)
        .where(apart.mark == view.mark, apart.kind == col(row.kind), apart.repo == col(row.repo))
        .where(apart.decision == col(row.decision))
        .where(or_(col(apart.expires_at).is_(None), col(apart.expires_at) > view.moment))
        .scalar_subquery()
    )
    in_force = and_(*_in_force(row, view))
    return case(
        (and_(col(row.audience) == view.audience, in_force), col(row.outcome)),
        (and_(col(row.audience) == "", in_force), func.coalesce(answered, AGAIN)),
        else_=AGAIN,
    )


def _holds(view: Viewpoint) -> ColumnElement[bool]:
    said = _in_force(CatalogueRow, view)
    if view.audience is not None:
        said.append(col(CatalogueRow.audience) == view.audience)
    return and_(*said)


def _in_force(row: type[CatalogueRow], view: Viewpoint) -> list[ColumnElement[bool]]:
    return [
        col(row.rule_set) == view.rule_set,
        col(row.scanner) == view.scanner,
        or_(col(row.expires_at).is_(None), col(row.expires_at) > view.moment),
    ]


def _is_decided(verdict: str, view: Viewpoint) -> ColumnElement[bool]:
    """As plain conditions: databases know how many rows these leave, and not what a `CASE` is worth."""
    if view.audience:
        return verdict_of(view) == verdict
    if verdict == AGAIN:
        return not_(_holds(view))
    return and_(col(CatalogueRow.outcome) == verdict, _holds(view))


def conditions(query: Query, view: Viewpoint, *, without: str = "") -> list[ColumnElement[bool]]:
    """What lines must be like; `without` one of the query's filters."""
    row = CatalogueRow
    wanted: list[ColumnElement[bool]] = []
    if view.audience is not None:
        wanted.append(_theirs(view))
    elif query.team is not None and without != "team":
        wanted.append(col(row.audience) == query.team)
    if query.search:
        wanted.append(col(row.name).contains(query.search.lower(), autoescape=True))
    for name, column in (("kind", row.kind), ("task", row.task), ("licence", row.licence_class)):
        if name != without and (value := getattr(query, name)) is not None:
            wanted.append(col(column) == value)
    if query.publisher is not None and without != "publisher":
        wanted.append(col(row.publisher) == query.publisher.lower())
    if query.size is not None and without != "size":
        wanted.append(col(row.size_class) == query.size)
    if query.format is not None and without != "format":
        wanted.append(col(row.formats).contains(f",{query.format},", autoescape=True))
    if query.verdict is not None and without != "verdict":
        wanted.append(_is_decided(query.verdict, view))
    return wanted


def _theirs(view: Viewpoint) -> ColumnElement[bool]:
    """One line a repository: what was decided for them, if that holds; else what was for everybody, if that holds; else
    whichever there is, their own first."""
    row = CatalogueRow
    if not view.audience:
        return col(row.audience) == ""
    own, every = aliased(CatalogueRow), aliased(CatalogueRow)

    def other(of: type[CatalogueRow], audience: str, *more: ColumnElement[bool]) -> ColumnElement[bool]:
        same = (col(of.kind) == row.kind, col(of.repo) == row.repo, col(of.audience) == audience)
        return select(of.kind).where(*same, *more).exists()

    holds = and_(*_in_force(row, view))
    is_own = and_(col(row.audience) == view.audience, or_(holds, not_(other(every, "", *_in_force(every, view)))))
    is_everybodys = and_(
        col(row.audience) == "",
        not_(other(own, view.audience, *_in_force(own, view))),
        or_(holds, not_(other(own, view.audience))),
    )
    wanted: ColumnElement[bool] = or_(is_own, is_everybodys)
    return wanted


def _apart(session: Session, rows: Sequence[CatalogueRow], view: Viewpoint) -> dict[tuple[str, str], CatalogueApartRow]:
    """What the rules answer for those who ask, of these lines that were decided for everybody."""
    named = [(row.kind, row.repo) for row in rows if row.audience == ""]
    if not view.audience or not named:
        return {}
    found = session.exec(
        select(CatalogueApartRow).where(
            CatalogueApartRow.mark == view.mark,
            tuple_(col(CatalogueApartRow.kind), col(CatalogueApartRow.repo)).in_(named),
        )
    )
    return {(one.kind, one.repo): one for one in found}


def _order(sort: Sort) -> tuple[Any, ...]:
    row = CatalogueRow
    if sort is Sort.NEWEST:
        return (col(row.decision).desc(),)
    key = (col(row.name), col(row.kind), col(row.audience))
    if sort is Sort.USED:
        # All in one direction, so that one index has the order.
        return (col(row.used).desc(), *(part.desc() for part in key))
    return key


def _behind(sort: Sort, place: list[Any]) -> ColumnElement[bool]:
    row = CatalogueRow
    key = (col(row.name), col(row.kind), col(row.audience))
    behind: ColumnElement[bool]
    if sort is Sort.NEWEST:
        behind = col(row.decision) < place[0]
    elif sort is Sort.USED:
        behind = tuple_(col(row.used), *key) < tuple_(*place)
    else:
        behind = tuple_(*key) > tuple_(*place)
    return behind


def _cursor(sort: Sort, row: CatalogueRow) -> str:
    key = [row.name, row.kind, row.audience]
    place = [row.decision] if sort is Sort.NEWEST else [row.used, *key] if sort is Sort.USED else key
    return base64.urlsafe_b64encode(json.dumps([sort.value, *place]).encode()).decode().rstrip("=")


def _read(after: str, sort: Sort) -> list[Any]:
    """What `_cursor` has written. Raises `BadCursor`."""
    types: dict[Sort, tuple[type, ...]] = {
        Sort.NAME: (str, str, str),
        Sort.NEWEST: (str,),
        Sort.USED: (int, str, str, str),
    }
    try:
        if len(after) > _LONGEST_CURSOR:
            raise BadCursor
        document = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        name, *place = document if isinstance(document, list) else [None]
    except (ValueError, binascii.Error, RecursionError):
        raise BadCursor from None
    fits = name == sort.value and tuple(type(one) for one in place) == types[sort]
    if not fits or any("\0" in one for one in place if isinstance(one, str)):
        raise BadCursor
    if sort is Sort.USED and not -(2**63) <= int(place[0] or 0) < 2**63:
        raise BadCursor
    return place


def _item(row: CatalogueRow, verdict: str, apart: CatalogueApartRow | None = None) -> Item:
    said = apart if apart is not None and apart.decision == row.decision else row
    return Item(
        kind=row.kind,
        repo=row.repo,
        audience=row.audience,
        verdict=verdict,
        sha=row.sha,
        decision=row.decision,
        decided_at=row.decided_at,
        rule=said.rule if verdict != AGAIN else "",
        allowed_sha=row.allowed_sha if row.allowed_sha != row.sha else None,
        task=row.task,
        library=row.library,
        licence=row.licence,
        licence_class=row.licence_class,
        size=row.size,
        parameters=row.parameters,
        formats=tuple(formats_in(row.formats)),
        family=row.family,
        downloads=row.downloads,
        likes=row.likes,
        left_out=said.left_out,
        risk=row.risk,
        used=row.used,
        asked_at=row.asked_at,
    )

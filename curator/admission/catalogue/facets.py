"""How many repositories there are of each kind: counted at once for all facets, and kept for a while."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, case
from sqlmodel import Session, col, func, select

from curator.admission.catalogue.describe import SEPARATOR, formats_in
from curator.admission.catalogue.said import AGAIN, Facets, Query, Viewpoint
from curator.admission.catalogue.search import conditions, verdict_of
from curator.admission.catalogue.tables import CatalogueRow
from curator.database.engine import Database, now
from curator.database.generation import row_of
from rules.decision import Outcome

_MOST_VALUES = 12
_MOST_KEPT = 64
_AT_LEAST_S = 15.0
"""Counts are not made anew sooner, however often something changes: their age is told."""
PATIENCE_S = 0.06
_OUTCOMES = tuple(outcome.value for outcome in Outcome)
_Key = tuple[str, str, str | None, str, str, str]
_COUNTED = ("kind", "verdict", "task", "licence", "size", "format", "team")


@dataclass(frozen=True, slots=True)
class _Group:
    """So many repositories that are alike in all that is counted."""

    count: int
    values: Mapping[str, tuple[str, ...]]
    """By facet; only formats may be several."""


@dataclass(frozen=True, slots=True)
class _Counted:
    groups: tuple[_Group, ...]
    publishers: tuple[tuple[str, int], ...]
    generation: int
    until: float
    """On the monotonic clock: they are good so long, whatever changes."""
    at: dt.datetime


class FacetCounts:
    """For one server process; any thread may ask."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[_Key, _Counted] = OrderedDict()
        self._counting: dict[_Key, Future[_Counted]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="facets")

    def of(self, query: Query, view: Viewpoint, wait_s: float = PATIENCE_S) -> Facets | None:
        """Each facet is counted under all the filters but its own, so that one sees what else there is.

        What was counted a moment ago is told, with its age, while it is counted anew; None where nothing was and
        counting takes longer than `wait_s`.
        """
        # The database counts what cannot be told from its groups: names and publishers.
        base = Query(search=query.search.lower(), publisher=query.publisher)
        key = (base.search, (base.publisher or "").lower(), view.audience, view.rule_set, view.scanner, view.mark)
        with self._database.read() as session:
            generation = row_of(session)
        with self._lock:
            counted = self._kept.get(key)
            if counted is not None and (counted.generation == generation or time.monotonic() < counted.until):
                return _facets(counted, query)
            counting = self._counting.get(key)
            if counting is None:
                counting = self._counting[key] = self._pool.submit(self._count, key, base, view)
        try:
            return _facets(counting.result(wait_s if counted is None else 0), query)
        except TimeoutError:
            return _facets(counted, query) if counted is not None else None

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _count(self, key: _Key, base: Query, view: Viewpoint) -> _Counted:
        try:
            with self._database.read() as session:
                counted = _count(session, base, view, row_of(session))
            with self._lock:
                self._kept[key] = counted
                self._kept.move_to_end(key)
                while len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
            return counted
        finally:
            with self._lock:
                self._counting.pop(key, None)


def _count(session: Session, base: Query, view: Viewpoint, generation: int) -> _Counted:
    began = time.monotonic()
    groups = list(_groups(session, base, view))
    row = CatalogueRow
    everyone = replace(base, publisher=None)
    publishers = session.execute(
        select(col(row.publisher), func.count())
        .where(*_wanted(everyone, view))
        .group_by(col(row.publisher))
        .order_by(func.count().desc(), col(row.publisher))
        .limit(_MOST_VALUES)
    ).all()
    took = time.monotonic() - began
    # What takes long is not made anew for each who looks.
    until = time.monotonic() + max(_AT_LEAST_S, 20 * took)
    return _Counted(tuple(groups), tuple((name, count) for name, count in publishers), generation, until, now())


def _groups(session: Session, base: Query, view: Viewpoint) -> Iterator[_Group]:
    """In the order of one index, so that the database sorts nothing."""
    row, verdict = CatalogueRow, verdict_of(view)
    sums = [func.sum(case((verdict == outcome, 1), else_=0)) for outcome in _OUTCOMES]
    statement = select(col(row.alike), col(row.audience), func.count(), *sums).where(*_wanted(base, view))
    for alike, audience, count, *counts in session.execute(statement.group_by(col(row.alike), col(row.audience))):
        kind, task, licence, size, formats = alike.split(SEPARATOR)
        values: dict[str, tuple[str, ...]]
        values = {"kind": (kind,), "task": (task,), "licence": (licence,), "size": (size,), "team": (audience,)}
        values["format"] = tuple(formats_in(formats))
        for outcome, number in zip((*_OUTCOMES, AGAIN), (*counts, count - sum(counts)), strict=True):
            if number:
                yield _Group(number, values | {"verdict": (outcome,)})


def _wanted(base: Query, view: Viewpoint) -> list[ColumnElement[bool]]:
    """As in a search."""
    if view.audience:
        return conditions(base, view)
    wanted = conditions(base, replace(view, audience=None))
    if view.audience is not None:
        wanted.append(col(CatalogueRow.audience) == view.audience)
    return wanted


def _facets(counted: _Counted, query: Query) -> Facets:
    filters = {name: value for name, value in query.filters().items() if name != "publisher"}
    counts: dict[str, Counter[str]] = {name: Counter() for name in _COUNTED}
    total = 0
    for group in counted.groups:
        failed = [name for name, value in filters.items() if value not in group.values[name]]
        if len(failed) > 1:
            continue
        if not failed:
            total += group.count
        for name in failed or _COUNTED:
            for value in group.values[name]:
                counts[name][value] += group.count
    told = {name: dict((+values).most_common(_MOST_VALUES)) for name, values in counts.items()}
    return Facets(total, told | {"publisher": dict(counted.publishers)}, counted.at)

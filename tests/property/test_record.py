"""Any one thing that is done to the record is found, and it is said where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from curator.audit.links import Chain, Problem, Wrong
from curator.database.chain import FIRST, FORMS, link

Row = dict[str, Any]
AT = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
TEXTS = (
    *("id", "action", "actor", "team", "project", "kind", "repo", "revision", "commit", "path", "blob", "outcome"),
    *("decision", "rules", "subject", "token", "job", "sentence", "address", "user_agent"),
)
NEEDED = {"id", "action", "actor", "team", "project", "kind", "repo", "outcome"}
# Whatever `str.isprintable` says is printable.
texts = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=6)
sizes = st.none() | st.integers(0, 1 << 62)
moments = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


@st.composite
def records(draw: st.DrawFn, least: int = 1) -> list[Row]:
    """Rows of a record as they were written. Of a few texts, chosen by a number for each field: if each were drawn by
    itself, nearly all examples would be larger than hypothesis lets them be, and be thrown away."""
    some = draw(st.lists(texts, min_size=1, max_size=6))
    rows: list[Row] = []
    chain = FIRST
    for seq in range(1, draw(st.integers(least, 8)) + 1):
        chosen = zip(TEXTS, draw(st.binary(min_size=len(TEXTS), max_size=len(TEXTS))), strict=True)
        row: Row = {name: _one_of(some if name in NEEDED else [None, *some], number) for name, number in chosen}
        row |= {"id": f"{seq:04d}", "seq": seq, "at": draw(moments), "size": draw(sizes), "form": 1}
        row["chain"] = chain = link(chain, row)
        rows.append(row)
    return rows


def _one_of(values: Sequence[str | None], number: int) -> str | None:
    return values[number % len(values)]


def problems_of(rows: list[Row], head: int) -> list[Problem]:
    chain = Chain()
    found = [problem for row in rows for problem in chain.take(row)]
    found += [*chain.settle(), *chain.moved()]
    if chain.seq < head:
        found.append(Problem(Wrong.CUT, chain.seq + 1, None, None, "cut"))
    return found


@given(records())
def test_what_nobody_touched_is_whole(rows: list[Row]) -> None:
    assert problems_of(rows, len(rows)) == []


@given(records(), st.data())
def test_any_field_that_was_altered_is_found_in_its_row(rows: list[Row], data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows))
    name = data.draw(st.sampled_from([*TEXTS, "size", "at", "chain"]))
    values: dict[str, st.SearchStrategy[Any]] = {
        "size": sizes,
        "at": moments,
        "chain": st.binary(min_size=32, max_size=32),
    }
    other = data.draw(
        values.get(name, texts if name in NEEDED else st.none() | texts).filter(lambda value: value != row[name])
    )
    row[name] = other
    found = problems_of(rows, len(rows))
    assert [problem.seq for problem in found] == [row["seq"]]
    if row is not rows[-1]:
        assert found[0].wrong is (Wrong.CHAIN_ALTERED if name == "chain" else Wrong.ALTERED)


@given(records(), st.data())
def test_any_row_that_was_taken_out_is_found_where_it_was(rows: list[Row], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(rows))
    anew = data.draw(st.booleans())
    count = len(rows)
    rest = [row for row in rows if row is not gone]
    for row in rest:
        row["seq"] -= anew and row["seq"] > gone["seq"]
    found = problems_of(rest, count)
    assert found[0].seq == (gone["seq"] if not anew or gone["seq"] < count else count)
    assert found[0].wrong in {Wrong.MISSING, Wrong.CUT} or len(rest) == gone["seq"]


@given(records(), st.data())
def test_any_row_that_was_put_in_is_found_where_it_is(rows: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(rows) + 1))
    made = dict(data.draw(st.sampled_from(rows))) | {"id": "mallory", "seq": place}
    made["chain"] = data.draw(st.sampled_from([made["chain"], FIRST]))
    for row in rows:
        row["seq"] += row["seq"] >= place
    found = problems_of([*rows[: place - 1], made, *rows[place - 1 :]], len(rows) + 1)
    assert found[0].seq == place
    assert found[0].wrong is (Wrong.INSERTED if place <= len(rows) else Wrong.ALTERED)


@given(records(least=2), st.data())
def test_any_rows_that_changed_places_are_found_in_both(rows: list[Row], data: st.DataObject) -> None:
    one, other = data.draw(st.lists(st.sampled_from(rows), min_size=2, max_size=2, unique_by=lambda row: row["seq"]))
    one["seq"], other["seq"] = other["seq"], one["seq"]
    found = problems_of(sorted(rows, key=lambda row: row["seq"]), len(rows))
    first, second = sorted((one["seq"], other["seq"]))
    assert found[0].seq == first
    # Of neighbours the second may well be the first, before which another came in.
    assert second == first + 1 or second in {problem.seq for problem in found}


@given(records(), st.data())
def test_two_different_rows_have_different_canonical_forms(rows: list[Row], data: st.DataObject) -> None:
    row = rows[0]
    name, other = data.draw(st.sampled_from(TEXTS)), data.draw(texts)
    form: Callable[[Row], bytes] = FORMS[1]
    assert (form(row) == form(row | {name: other})) == (row[name] == other)

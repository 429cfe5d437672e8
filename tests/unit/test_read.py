"""What is asked of the record is found, all of it and nothing else, in any combination; an export proves itself."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path

import pytest
from sqlmodel import select

from curator.audit import made, read, traffic
from curator.audit.export import begin_export, lines
from curator.audit.follow import follow
from curator.audit.read import Entry, Filter
from curator.audit.record import Action, AuditEvent, add_rows
from curator.audit.tables import AuditRow
from curator.audit.verify_file import seals_in, verify_file
from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.errors import BadInput, NotServed
from tests.unit.test_uses import START, fill

DAY = (START + dt.timedelta(days=1)).date().isoformat()
CHOICES = {
    "action": ("", "download", "decide"),
    "actor": ("", "alice"),
    "team": ("", "trading"),
    "repo": ("", "acme/tiny", "acme/*", "acme_x/*", "none/*"),
    "since": ("", DAY),
    "until": ("", DAY),
}


def matches(row: AuditRow, wanted: Filter) -> bool:
    repo = wanted.repo.removesuffix("*")
    return (
        wanted.action in {"", row.action}
        and wanted.actor in {"", row.actor}
        and wanted.team in {"", row.team}
        and (row.repo.startswith(repo) if wanted.repo.endswith("*") else wanted.repo in {"", row.repo})
        and (wanted.since is None or row.at >= wanted.since)
        and (wanted.until is None or row.at < wanted.until)
    )


@pytest.mark.parametrize("counted", [0, 100, 1_000])
def test_every_filter_finds_what_a_plain_look_at_all_rows_finds(
    database: Database, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "_ASKEW", dt.timedelta(minutes=5))
    fill(database, 900)
    follow(database, traffic.FOLLOWER, traffic.take, counted)
    with database.read() as session:
        rows = list(session.exec(select(AuditRow).order_by(AuditRow.seq.desc())))  # type: ignore[union-attr]
        alone = {
            (name, value): {row.seq for row in rows if matches(row, Filter.read(**{name: value}))}
            for name, values in CHOICES.items()
            for value in values
        }
        for number, values in enumerate(itertools.product(*CHOICES.values())):
            chosen = dict(zip(CHOICES, values, strict=True))
            wanted = Filter.read(**chosen)
            # All are for each row what they are alone.
            found = set.intersection(*(alone[one] for one in chosen.items()))
            plain = [row.seq for row in rows if row.seq in found]
            # What is few for the one is much for its neighbour; and the other way round when another part is counted.
            monkeypatch.setattr(read, "_FEW", (3, 30_000)[(number + bool(counted)) % 2])
            assert [one.seq for one in read.page(session, wanted, limit=500)] == plain[:500], wanted
            assert [one.seq for one in read.page(session, wanted, after=450, limit=7)] == [
                seq for seq in plain if seq is not None and seq < 450
            ][:7]


def test_an_export_has_all_rows_in_their_order_and_proves_itself(database: Database, tmp_path: Path) -> None:
    fill(database, 700)
    made.catch_up(database)
    seal = Seal(None, tmp_path / "secret.key")
    for number, wanted in enumerate((Filter(), Filter.read(action="download"), Filter.read(since=DAY, repo="acme/*"))):
        until = begin_export(database, wanted, "ana")
        file = tmp_path / f"{number}.jsonl"
        file.write_text("".join(lines(database, seal, wanted, until)))
        found = verify_file(file)
        assert found.right, found.problems
        with database.read() as session:
            rows = [row for row in session.exec(select(AuditRow)) if matches(row, wanted) and (row.seq or 0) <= until]
        assert found.rows == len(rows)
        assert seals_in(file)[0].right


@pytest.mark.parametrize("what", ["altered", "left out", "changed places", "twice", "cut", "longer"])
def test_whatever_is_done_to_an_export_is_found(database: Database, tmp_path: Path, what: str) -> None:
    fill(database, 30)
    file = tmp_path / "record.jsonl"
    kept = list(lines(database, Seal(None, tmp_path / "secret.key"), Filter(), begin_export(database, Filter(), "ana")))
    changed = {
        "altered": [*kept[:5], kept[5].replace('"team":"', '"team":"x'), *kept[6:]],
        "left out": [*kept[:5], *kept[6:]],
        "changed places": [*kept[:5], kept[6], kept[5], *kept[7:]],
        "twice": [*kept[:5], kept[5], *kept[5:]],
        "cut": kept[:-1],
        "longer": [*kept, kept[5]],
    }
    file.write_text("".join(changed[what]))
    assert not verify_file(file).right


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"export":1}', '{"export":1,"deleted":[{}]}', '{"export":1,"deleted":[]}\n{"row":1}', "\0"],
)
def test_what_is_no_export_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text(text)
    with pytest.raises(BadInput):
        verify_file(file)


def test_what_somebody_calls_himself_is_text_in_an_export_and_nothing_else(database: Database, tmp_path: Path) -> None:
    name = 'x"\n{"end":1}\r\u2028\N{RIGHT-TO-LEFT OVERRIDE}'
    with database.write_rows() as connection:
        add_rows(
            connection, [AuditEvent(action=Action.DECIDE, actor=name, kind=None, repo="", outcome="", user_agent=name)]
        )
    file = tmp_path / "record.jsonl"
    until = begin_export(database, Filter(), "ana")
    file.write_text("".join(lines(database, Seal(None, tmp_path / "secret.key"), Filter(), until)), newline="")
    assert verify_file(file).right
    assert json.loads(file.read_bytes().split(b"\n")[1])["actor"] == name


def test_times_are_read_as_people_write_them() -> None:
    assert read.moment("", end=False) is None
    assert read.moment("2026-11-26", end=False) == dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
    assert read.moment("2026-11-26", end=True) == dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    assert read.moment("2026-11-26T14:30+02:00", end=True) == dt.datetime(2026, 11, 26, 12, 30, tzinfo=dt.UTC)
    for wrong in ("9999-12-31", "0001-01-01T00:00+14:00", "x", "7 d", "99999999d"):
        with pytest.raises(BadInput, match="is no moment"):
            read.moment(wrong, end=True)


def test_a_row_is_found_by_its_id(database: Database) -> None:
    fill(database, 3)
    with database.read() as session:
        entry: Entry = read.page(session, Filter())[0]
        assert read.find(session, entry.id) == entry
        with pytest.raises(NotServed, match="The record has no row 'x'"):
            read.find(session, "x")

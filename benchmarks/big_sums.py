"""What is made of the record of a big database, in one statement a table: followers take it row by row, for hours."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import sqlalchemy as sa
from sqlmodel import select

from benchmarks.big_people import put
from curator.admission.catalogue import asked
from curator.admission.catalogue.describe import SEPARATOR, size_class
from curator.admission.catalogue.tables import CatalogueFillRow, CatalogueRow
from curator.admission.tables import DecisionRow, SnapshotRow
from curator.audit.made import FOLLOWERS
from curator.audit.tables import AuditFollowerRow, AuditHeadRow
from curator.database.engine import Database
from curator.notify import making
from curator.policy import hits
from curator.review import waiting
from scanners.finding import SCANNER_VERSION

_USER = ("kind", "repo", "commit", "actor", "token", "team", "project", "job")
_ASKER = ("kind", "repo", "commit", "actor", "team", "project")


def make_sums(database: Database) -> None:
    """All of it; the followers that a server has begin at the end of the record then."""
    sqlite = database.engine.dialect.name == "sqlite"
    for statement in _statements(sqlite=sqlite):
        with database.write_rows() as connection:
            if sqlite:
                driver: Any = connection.connection.driver_connection
                driver.create_function("digest_of", -1, _digest, deterministic=True)
            connection.execute(sa.text(statement))


def make_catalogue(database: Database) -> None:
    """A line for each commit that was decided, more motley than their facts; and how much each was used."""
    columns = (DecisionRow.id, DecisionRow.facts_id, DecisionRow.outcome, DecisionRow.rule_set, DecisionRow.at)
    of = (SnapshotRow.id, SnapshotRow.repo, SnapshotRow.sha)
    with database.read() as session:
        joined = sa.select(*columns, *of).join_from(DecisionRow, SnapshotRow, DecisionRow.snapshot_id == SnapshotRow.id)  # type: ignore[call-overload]
        decided = session.connection().execute(joined).all()
    lines = [_line(number, tuple(row)) for number, row in enumerate(decided)]
    some = [{**line, "audience": f"team{number % 20}"} for number, line in enumerate(lines) if number % 50 == 0]
    put(database, CatalogueRow, [*lines, *some])
    with database.write_rows() as connection:
        connection.execute(sa.update(CatalogueFillRow).values(done=True))
        connection.execute(
            sa.text(
                "UPDATE catalogue SET used = s.used, asked_at = s.at FROM "
                "(SELECT kind, repo, sum(files) AS used, max(last_at) AS at FROM audit_uses GROUP BY kind, repo) AS s "
                "WHERE s.kind = catalogue.kind AND s.repo = catalogue.repo"
            )
        )


def _line(number: int, decided: tuple[Any, ...]) -> dict[str, Any]:
    decision, facts_id, outcome, rule_set, at, snapshot, repo, sha = decided
    chance = random.Random(number)
    task, licence = _TASKS[int(20 * chance.random() ** 2)], _LICENCES[int(4 * chance.random() ** 2)]
    formats, size = _FORMATS[int(5 * chance.random() ** 2)], int(10 ** (7 + 5 * chance.random()))
    alike = ("model", task, licence, size_class(size), formats)
    return {
        "kind": "model",
        "repo": repo,
        "audience": "",
        "name": repo.lower(),
        "snapshot_id": snapshot,
        "sha": sha,
        "of_main": True,
        "decision": decision,
        "facts_id": facts_id,
        "outcome": "hold" if number % 33 == 0 else outcome,
        "rule": "" if outcome == "allow" else "unsafe-file",
        "rule_set": rule_set,
        # One in ten was decided before the scanners were as they are.
        "scanner": SCANNER_VERSION if number % 10 else "0",
        "decided_at": at,
        "publisher": repo.split("/")[0].lower(),
        "task": task,
        "library": "transformers",
        "licence": "Apache-2.0",
        "licence_class": licence,
        "size": size,
        "size_class": size_class(size),
        "parameters": size // 2,
        "formats": formats,
        "alike": SEPARATOR.join(alike),
        "family": f"org{number % 30}/base-{number % 300}",
        "downloads": chance.randrange(10_000),
        "likes": chance.randrange(50),
        "left_out": 0,
        "risk": "none",
    }


_TASKS = ("text-generation", "fill-mask", "text-classification", *(f"task-{one}" for one in range(17)))
_LICENCES = ("permissive", "missing", "copyleft", "non-commercial")
_FORMATS = (",safetensors,", ",pytorch,safetensors,", ",gguf,", ",pytorch,", ",onnx,")


def end_following(database: Database) -> None:
    """All that follows the record has taken all of it."""
    names = [*FOLLOWERS, asked.NAME, waiting.FOLLOWER, making.FOLLOWER, hits.FOLLOWER]
    with database.read() as session:
        head = session.exec(select(AuditHeadRow.seq)).one()
    with database.write_rows() as connection:
        connection.execute(sa.delete(AuditFollowerRow))
    put(database, AuditFollowerRow, ({"name": name, "seq": head} for name in names))


def _statements(*, sqlite: bool) -> list[str]:
    if sqlite:
        hour, day = "substr(at, 1, 13) || ':00:00.000000'", "substr(at, 1, 10)"
    else:
        hour, day = "date_trunc('hour', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'", "(at AT TIME ZONE 'UTC')::date"

    def texts(names: tuple[str, ...]) -> str:
        return ", ".join(f"coalesce(\"{name}\", '')" for name in names)

    def digest(names: tuple[str, ...]) -> str:
        if sqlite:
            return f"digest_of({texts(names)})"
        parts = (f"convert_to(coalesce(\"{name}\", ''), 'UTF8')" for name in names)
        between = " || '\\x00'::bytea || "
        return f"substr(encode(sha256({between.join(parts)}), 'hex'), 1, 32)"

    numbers = {True: "1, 2, 3, 4, 5, 6, 7, 8, 9", False: "1, 2, 3, 4, 5, 6, 7"}
    last = "max(address), max(user_agent)"
    sent, asked_for = "action = 'download'", "action IN ('download', 'refuse')"
    return [
        f"INSERT INTO audit_hours (hour, first, last) SELECT {hour}, min(seq), max(seq) FROM audit GROUP BY 1",
        (
            "INSERT INTO audit_traffic (hour, action, outcome, requests, bytes) "
            f"SELECT {hour}, action, outcome, count(*), coalesce(sum(size), 0) FROM audit WHERE {asked_for} "
            "GROUP BY 1, 2, 3"
        ),
        "DELETE FROM store_fetched",
        # One byte in twenty was not in the store.
        "INSERT INTO store_fetched (hour, bytes) SELECT hour, sum(bytes) / 20 FROM audit_traffic GROUP BY hour",
        (
            "INSERT INTO audit_top (day, kind, repo, downloads, bytes, refusals) "
            f"SELECT {day}, kind, repo, sum(CASE WHEN {sent} THEN 1 ELSE 0 END), coalesce(sum(size), 0), "
            f"sum(CASE WHEN {sent} THEN 0 ELSE 1 END) FROM audit WHERE {asked_for} GROUP BY 1, 2, 3"
        ),
        (
            f"INSERT INTO audit_uses (id, {', '.join(_quoted(_USER))}, first_at, last_at, files, bytes, address, "
            f"user_agent) SELECT {digest(_USER)}, {texts(_USER)}, min(at), max(at), count(*), coalesce(sum(size), 0), "
            f"{last} FROM audit WHERE {sent} GROUP BY {numbers[True]}"
        ),
        (
            'INSERT INTO audit_used_blobs (blob, kind, repo, "commit") '
            f'SELECT DISTINCT blob, kind, repo, "commit" FROM audit WHERE {sent}'
        ),
        (
            f"INSERT INTO audit_asks (id, {', '.join(_quoted(_ASKER))}, first_at, last_at, times, outcome, address, "
            f"user_agent) SELECT {digest(_ASKER)}, {texts(_ASKER)}, min(at), max(at), count(*), max(outcome), {last} "
            f"FROM audit WHERE action = 'refuse' GROUP BY {numbers[False]}"
        ),
        (
            'INSERT INTO audit_asked (kind, repo, "commit", requesters, times, first_at, last_at) '
            'SELECT kind, repo, "commit", count(*), sum(times), min(first_at), max(last_at) FROM audit_asks '
            "GROUP BY 1, 2, 3"
        ),
        (
            f"INSERT INTO rule_hits (day, rule, refused) SELECT {day}, rules, count(*) FROM audit "
            "WHERE action = 'refuse' GROUP BY 1, 2"
        ),
    ]


def _quoted(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f'"{name}"' for name in names)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]

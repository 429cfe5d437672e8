"""The record as lines of JSON that prove themselves: a file of them can be verified anywhere, without the database.

The first line says what was asked for, and which rows were deleted in between; then there is a line for each row, with
its chain value, and with the one before it (`before`) where the row before is not in the file; the last line has the
number of rows, the SHA-256 of all bytes before it, the newest seal of the record, and a signature over the line
`curator-export-1 ROWS SHA256`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from sqlmodel import Session, col, select

from curator.audit.gaps import Gap, gaps_after
from curator.audit.read import Entry, Filter, head, stream
from curator.audit.record import Action, AuditEvent, append
from curator.audit.seals import newest_seal, seal_now, signer
from curator.audit.tables import AuditRow
from curator.database.chain import FIRST
from curator.database.engine import Database, now
from curator.database.sealing import Seal


def begin_export(database: Database, wanted: Filter, by: str) -> int:
    """Put on the record that somebody exports it; returns up to which row, which is that one."""
    what = ", ".join(f"{name} {value}" for name, value in wanted.as_json().items()) or "all of it"
    with database.write() as session:
        append(
            session,
            AuditEvent(
                action=Action.EXPORT,
                actor=by,
                kind=None,
                repo="",
                outcome="export",
                sentence=f"the record was exported: {what}",
            ),
        )
        return head(session)


def lines(database: Database, seal: Seal, wanted: Filter, until: int) -> Iterator[str]:
    """Each ends with a line feed."""
    with_key = signer(database, seal)
    with database.write() as session:
        seal_now(session, with_key)
        last_seal = newest_seal(session)
    with database.read() as session:
        gaps = gaps_after(session)
    digest, rows = sha256(), 0
    for line in _body(database, wanted, until, gaps):
        digest.update(line.encode())
        rows += line.startswith('{"row"')
        yield line
    said = export_line(rows, digest.hexdigest())
    yield _line(
        {
            "end": 1,
            "rows": rows,
            "sha256": digest.hexdigest(),
            "key": with_key.key,
            "signature": with_key.sign(said).hex(),
            "seal": last_seal.as_json() if last_seal is not None else None,
        }
    )


def export_line(rows: int, digest: str) -> str:
    """What is signed at the end of an export."""
    return f"curator-export-1 {rows} {digest}"


def _body(database: Database, wanted: Filter, until: int, gaps: Sequence[Gap]) -> Iterator[str]:
    yield _line(
        {
            "export": 1,
            "at": now().isoformat(),
            "filter": wanted.as_json(),
            "whole": wanted.by_time_only,
            "deleted": [gap.as_json() for gap in gaps],
        }
    )
    after = {gap.last: gap.after for gap in gaps}
    known: dict[int, bytes] = {0: FIRST}
    before = -1
    batch: list[Entry] = []
    for entry in stream(database, wanted, until):
        batch.append(entry)
        if len(batch) == _BATCH:
            yield from _told(database, batch, before, known | after)
            before, batch = batch[-1].seq, []
    yield from _told(database, batch, before, known | after)


_BATCH = 500


def _told(database: Database, batch: Sequence[Entry], before: int, known: dict[int, bytes]) -> Iterator[str]:
    wanted = []
    previous = before
    for entry in batch:
        if entry.seq != previous + 1:
            wanted.append(entry.seq - 1)
        previous = entry.seq
    with database.read() as session:
        chains = known | _chains(session, wanted)
    previous = before
    for entry in batch:
        document: dict[str, Any] = {"row": entry.seq} | entry.as_json()
        if entry.seq != previous + 1:
            found = chains.get(entry.seq - 1)
            document["before"] = found.hex() if found is not None else None
        previous = entry.seq
        yield _line(document)


def _chains(session: Session, seqs: Sequence[int]) -> dict[int, bytes]:
    if not seqs:
        return {}
    rows = session.exec(select(AuditRow.seq, AuditRow.chain).where(col(AuditRow.seq).in_(seqs)))
    return {seq: bytes(chain) for seq, chain in rows if seq is not None}


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"

"""Verifies an exported record, which needs nothing but the file: and better the public key, from somewhere else."""

from __future__ import annotations

import datetime as dt
import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

from curator.audit.export import export_line
from curator.audit.gaps import Gap
from curator.audit.links import Chain, Problem, Wrong
from curator.audit.seals import RecordSeal, signed
from curator.audit.verify import Verified
from curator.database.chain import FORMS
from curator.errors import BadInput

_LONGEST = 1 << 20


def verify_file(file: Path, keys: frozenset[str] = frozenset()) -> Verified:
    """Prove that each row is as it was written, that none is missing in between, and that the file is whole.

    `keys` are those that may have signed it; none: the one that it names, which whoever made it all up would name, too.
    Raises `BadInput` for what is no export.
    """
    found, digest = Verified(), sha256()
    chain: Chain | None = None
    gaps: list[Gap] = []
    ended = whole = False
    number = 0
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(_LONGEST), b""), 1):
                document = _read(line, file, number)
                if number == 1:
                    gaps, whole = _begin(document, file)
                elif "end" in document:
                    _end(document, digest.hexdigest(), keys, found)
                    ended = True
                    break
                else:
                    row = _row(document, file, number)
                    chain = _take(row, document.get("before"), chain, gaps, found, whole=whole)
                    found.saw(row)
                digest.update(line)
            rest = lines.read(1)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
    if number == 0:
        raise BadInput(f"{file} is empty: it is no export of the record")
    if chain is not None:
        found.add([*chain.settle(), *chain.moved()])
    if not ended:
        found.add([_about_file(found, Wrong.CUT, f"{file} was cut off: its last line, which is signed, is not there")])
    if rest:
        found.add(
            [_about_file(found, Wrong.INSERTED, f"{file} goes on after its last line: that is not of the export")]
        )
    return found


def seals_in(file: Path) -> list[RecordSeal]:
    """The seals of a file: those that stand in it as lines of JSON, and those in the last line of an export.

    Raises `BadInput` if there is none.
    """
    seals = []
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if '"seal"' in line:
                    document = json.loads(line)
                    of = document["seal"] if isinstance(document.get("seal"), dict) else document
                    seals.append(RecordSeal.from_json(of))
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, AttributeError):
        raise BadInput(f"{file} has a line that is not JSON: a seal is what `curator audit seal` printed") from None
    if not seals:
        raise BadInput(f"{file} has no seal: name what `curator audit seal` printed, or an export of the record")
    return seals


def _read(line: bytes, file: Path, number: int) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadInput(f"{file}:{number}: this is no line of an export of the record, which are JSON objects")
    return document


def _begin(document: dict[str, Any], file: Path) -> tuple[list[Gap], bool]:
    if document.get("export") != 1 or not isinstance(document.get("deleted"), list):
        raise BadInput(f"{file} is no export of the record, or of a version that this program does not know")
    return [Gap.from_json(gap) for gap in document["deleted"]], document.get("whole") is True


def _row(document: dict[str, Any], file: Path, number: int) -> dict[str, Any]:
    try:
        row = document | {
            "seq": int(document["row"]),
            "at": dt.datetime.fromisoformat(document["at"]),
            "chain": bytes.fromhex(document["chain"]),
        }
        # That all fields are there.
        FORMS[row["form"]](row)
    except (KeyError, TypeError, ValueError, OverflowError, struct.error):
        raise BadInput(f"{file}:{number}: this row of the record cannot be read") from None
    return row


def _take(
    row: dict[str, Any], before: Any, chain: Chain | None, gaps: list[Gap], found: Verified, *, whole: bool
) -> Chain:
    seq = row["seq"]
    while whole and chain is not None and seq > chain.seq + 1:
        gap = next((one for one in gaps if one.first == chain.seq + 1 and one.last < seq and one.right), None)
        if gap is None:
            break
        found.add(chain.pass_over(gap))
        found.gaps.append(gap)
    if chain is None or (seq > chain.seq + 1 and not whole):
        if chain is not None:
            found.add(chain.settle())
        try:
            known = bytes.fromhex(before) if before else None
        except (TypeError, ValueError):
            known = None
        chain = Chain(seq - 1, known)
    found.add(chain.take(row))
    return chain


def _end(document: dict[str, Any], digest: str, keys: frozenset[str], found: Verified) -> None:
    key, said = str(document.get("key", "")), export_line(found.rows, digest)
    found.keys = (key,)
    try:
        signature = bytes.fromhex(str(document.get("signature", "")))
    except ValueError:
        signature = b""
    if keys and key not in keys:
        found.add(
            [_about_file(found, Wrong.FORGED, f"The file is signed by the key {key[:16]}..., which is not yours")]
        )
    if not signed(key, said, signature):
        found.add(
            [_about_file(found, Wrong.FORGED, "The file is not as it was signed: a line was changed or left out")]
        )
    if document.get("seal") is not None:
        found.last_seal = RecordSeal.from_json(document["seal"])
        if not found.last_seal.right:
            found.add([_about_file(found, Wrong.FORGED, "The seal in the file is not signed by its key")])


def _about_file(found: Verified, wrong: Wrong, sentence: str) -> Problem:
    return Problem(wrong, found.last or 0, None, None, sentence)

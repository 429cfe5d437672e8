"""What `curator audit` does: verifying and rebuilding at the database itself, the rest by asking the mirror."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlencode

from curator.cli.client import Mirror, NotYetJudged
from curator.cli.token import NoDatabase, open_database
from curator.errors import BadInput, ServerUnreachable
from curator.settings import Settings

_API = "/api/curator/v1/record"
_NO = 1
_LOOK_EVERY_S = 0.5


def verify_database(
    seals: Sequence[Path], keys: Sequence[str], config: Path | None, data: Path | None, *, as_json: bool, quiet: bool
) -> None:
    from curator.audit.verify import keep_result, verify
    from curator.audit.verify_file import seals_in
    from curator.upstream.connect import seal_of

    settings = Settings.load(config, data=data)
    try:
        database = open_database(settings)
    except NoDatabase as error:
        raise NoDatabase(f"{error}; or have a running mirror verify it with --server") from None
    kept = [seal for file in seals for seal in seals_in(file)]
    shows = sys.stderr.isatty() and not quiet

    def progress(rows: int) -> None:
        if shows:
            print(f"\r{rows:,} rows", end="", file=sys.stderr, flush=True)

    found = verify(database, seals=kept, keys=_keys(keys), seal=seal_of(settings), progress=progress)
    if shows:
        print("\r", end="", file=sys.stderr)
    keep_result(database, found)
    _tell(found.as_json(), as_json=as_json, quiet=quiet)


def verify_there(server: str, wait_s: float, *, as_json: bool, quiet: bool) -> None:
    """Have a mirror verify its record, and say how that ended."""
    mirror = Mirror.find(server)
    before = mirror.get(f"{_API}/state", {})["verified"]
    mirror.post(f"{_API}/verify", {})
    ends = time.monotonic() + wait_s
    while True:
        # Of several server processes each knows of its own verification alone, so it is the result that is awaited.
        found = mirror.get(f"{_API}/state", {})["verified"]
        if found is not None and found != before:
            break
        if time.monotonic() > ends:
            raise NotYetJudged(f"{mirror.url} is still verifying its record: `curator audit state` says how it ended")
        time.sleep(_LOOK_EVERY_S)
    if as_json:
        print(json.dumps(found))
    elif not quiet or found["problems"]:
        print(f"{found['sentence']} ({found['rows']:,} rows, verified by {mirror.url})")
    sys.exit(_NO if found["problems"] else 0)


def verify_export(file: Path, seals: Sequence[Path], keys: Sequence[str], *, as_json: bool, quiet: bool) -> None:
    from curator.audit.verify_file import verify_file

    if seals:
        raise BadInput("An export is verified by itself: --seal is for the database, name the public key with --key")
    found = verify_file(file, _keys(keys) or frozenset()).as_json()
    if not keys:
        signer = (found["keys"] or ["nobody"])[0]
        found["sentence"] += f"; signed by the key {signer}: name yours with --key, or anybody may have"
    _tell(found, as_json=as_json, quiet=quiet)


def show(server: str | None, asked: dict[str, str], limit: int, *, as_json: bool) -> None:
    rows = Mirror.find(server).get(_API, {**_named(asked), "limit": str(limit)})["rows"]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['seq']:>9}  {row['at'][:19]}  {row['action']:<12} {_plain(row['told'])}")


def one(server: str | None, row_id: str, *, as_json: bool) -> None:
    row = Mirror.find(server).get(f"{_API}/rows/{quote(row_id, safe='')}", {})["row"]
    if as_json:
        print(json.dumps(row))
        return
    print(_plain(row["told"]))
    for name, value in row.items():
        if value not in {None, ""} and name != "told":
            print(f"  {name:<11} {_plain(str(value))}")


def export(server: str | None, asked: dict[str, str], output: Path | None) -> None:
    """What came is only called by its name when it has come to its end."""
    mirror = Mirror.find(server)
    path = f"{_API}/export?{urlencode(_named(asked))}"
    if output is None:
        _write(mirror.lines(path), sys.stdout.buffer)
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as out:
            rows = _write(mirror.lines(path), out)
        part.replace(output)
    except OSError as error:
        raise BadInput(f"{output} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    print(f"{rows:,} rows were exported to {output}; verify it with: curator audit verify {output}")


def _write(lines: Iterator[bytes], out: IO[bytes]) -> int:
    """Returns how many rows of the record they are. Raises `ServerUnreachable` if the last is missing."""
    number, last = 0, b""
    for line in lines:
        out.write(line)
        number, last = number + 1, line
    if not last.startswith(b'{"end"'):
        raise ServerUnreachable("The export broke off: what came is not all of it, so export it again")
    # Beside the rows, there is a first line and a last one.
    return number - 2


def seal(server: str | None, *, as_json: bool) -> None:
    made = Mirror.find(server).post(f"{_API}/seal", {})["seal"]
    if made is None:
        raise BadInput("The record has no rows yet: there is nothing to seal")
    print(json.dumps(made) if as_json else f"Sealed {made['at'][:16]} at row {made['seq']}: {made['chain']}")


def state(server: str | None, *, as_json: bool) -> None:
    standing = Mirror.find(server).get(f"{_API}/state", {})
    if as_json:
        print(json.dumps(standing))
        return
    print(f"The record has {standing['rows']:,} rows.")
    checked, sealed = standing["verified"], standing["seal"]
    print(f"Verified {checked['at'][:16]}: {checked['sentence']}" if checked else "It was never verified.")
    print(f"Sealed {sealed['at'][:16]} at row {sealed['seq']}." if sealed else "It is not sealed yet.")
    for key in standing["keys"]:
        print(f"Public key: {key}")
    for gap in standing["deleted"]:
        print(gap["sentence"])
    days = standing["keep_days"]
    print(f"Rows are kept for {days} days." if days else "Rows are kept for ever.")
    late = {name: rows for name, rows in standing["behind"].items() if rows}
    if late:
        print("Not yet counted: " + ", ".join(f"{rows:,} rows for {name}" for name, rows in late.items()))


def holds(server: str | None, *, as_json: bool) -> None:
    mirror, found, after = Mirror.find(server), [], ""
    while True:
        page = mirror.get(f"{_API}/holds", {"limit": "500", **({"after": after} if after else {})})
        found += page["holds"]
        after = page["next"] or ""
        if not after:
            break
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        ended = f"  ended {one['ended_at'][:10]} by {one['ended_by']}: {one['end_reason']}" if one["ended_at"] else ""
        placed = f"{one['placed_at'][:10]} by {one['placed_by']}"
        print(_plain(f"{one['id']}  {one['about']}  {placed}: {one['reason']}{ended}"))


def hold(server: str | None, wanted: dict[str, str], *, as_json: bool) -> None:
    made = Mirror.find(server).post(f"{_API}/holds", wanted)["hold"]
    if as_json:
        print(json.dumps(made))
        return
    print(_plain(f"The legal hold {made['id']} is on {made['about']}: it is not deleted until the hold is ended."))


def release(server: str | None, hold_id: str, reason: str, *, as_json: bool) -> None:
    path = f"{_API}/holds/{quote(hold_id, safe='')}?{urlencode({'reason': reason})}"
    made = Mirror.find(server).delete(path)["hold"]
    print(json.dumps(made) if as_json else _plain(f"The legal hold on {made['about']} is ended."))


def rebuild(config: Path | None, data: Path | None, *, as_json: bool) -> None:
    from curator.audit import made

    rows = made.rebuild(open_database(Settings.load(config, data=data)))
    if as_json:
        print(json.dumps({"rows": rows}))
        return
    print(f"Who uses what and the traffic were counted anew from {rows:,} rows.")


def _keys(keys: Sequence[str]) -> frozenset[str] | None:
    for key in keys:
        try:
            right = len(bytes.fromhex(key)) == 32
        except ValueError:
            right = False
        if not right:
            raise BadInput(f"{key[:80]!a} is no public key, which has 64 hex digits: `curator audit state` shows it")
    return frozenset(key.lower() for key in keys) or None


def _named(asked: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}


def _tell(found: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    if as_json:
        print(json.dumps(found))
    else:
        if not quiet or not found["whole"]:
            print(found["sentence"])
        for gap in found["deleted"] if not quiet else []:
            print(f"  {gap['sentence']}")
        for problem in found["problems"]:
            print(f"  {_plain(problem['sentence'])}")
        more = found["problem_count"] - len(found["problems"])
        if more:
            print(f"  and {more:,} more")
    if not found["whole"]:
        raise SystemExit(_NO)


def _plain(text: str) -> str:
    """Without anything that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)

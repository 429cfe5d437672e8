"""What a GET of a small cached file costs the mirror: processor time, with the record on.

    python -m benchmarks.cached_get [--rounds 5] [--seconds 3] [--size 64KiB] [--against FOLDER] [--json result.json]

The same file over and over, with a token, over 1 and over 32 keep-alive connections. Milliseconds of processor for a
GET are of the mirror's whole process tree, less what it takes at rest in the same time; HEAD, which is no row of the
record, is beside it. With `--against`, a mirror from another checkout of this repository is measured in the same
rounds. `--database` is where the record lies if not beside each mirror's data: an empty PostgreSQL database, whose
processor time is not in the figures; `{way}` in it is replaced by `mirror` or `other`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import asker, measure, subject
from benchmarks.peers import Upstream, admit, weights_of
from benchmarks.processes import cpu_seconds
from benchmarks.results import Results, Target
from fixtures.mirror import MirrorProcess

_CONNECTIONS = (1, 32)


@dataclass(frozen=True)
class Asked:
    """Who is asked."""

    way: str
    url: str
    token: str
    pid: int


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--size", type=measure.size, default=64 << 10)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout, to be held against this one")
    parser.add_argument("--database", metavar="URL", default="", help="where the record lies; default: SQLite")
    options = parser.parse_args()
    ways = {"mirror": Path(__file__).parents[1]} | ({"other": options.against.resolve()} if options.against else {})
    results = Results("GET of a cached file", options, "other" if options.against else "mirror")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder, ExitStack() as stack:
        root = Path(folder)
        upstream = stack.enter_context(Upstream(root / "upstream", subject.one_file(root, options.size)))
        asked = [_started(stack, root, upstream, way, code, options) for way, code in ways.items()]
        for number in range(options.rounds):
            for one in measure.rotated(asked, number):
                _measure(results, one, options.seconds)
    if options.against:
        for connections in _CONNECTIONS:
            case = f"GET, {connections} connections"
            results.targets.append(Target(case, "mirror", "CPU ms", at_most=1.0, against="other"))
    results.report()


def _started(
    stack: ExitStack, root: Path, upstream: Upstream, way: str, code: Path, options: argparse.Namespace
) -> Asked:
    """A mirror that runs this code, with the file in its cache."""
    settings = {
        "PYTHONPATH": str(code),
        "PYTHONSAFEPATH": "1",
        "CURATOR_ANONYMOUS": "no",
        "CURATOR_REVISION_TTL_S": "86400",
    }
    if options.processes > 1:
        settings["CURATOR_SERVER_PROCESSES"] = str(options.processes)
    if options.database:
        settings["CURATOR_DATABASE_URL"] = options.database.format(way=way)
    mirror = stack.enter_context(MirrorProcess(root / way, upstream.url, settings))
    make = [sys.executable, "-m", "curator.cli", "token", "create", "benchmark", "--data", str(root / way)]
    token = subprocess.run(make, capture_output=True, text=True, check=True, cwd=code, env=settings).stdout.strip()
    admit(mirror, token)
    one = Asked(way, weights_of(mirror.url), token, mirror.pid)
    asker.ask(one.url, method="GET", connections=4, seconds=1, token=token)
    return one


def _measure(results: Results, one: Asked, seconds: float) -> None:
    before = cpu_seconds(one.pid)
    time.sleep(seconds)
    at_rest = (cpu_seconds(one.pid) - before) / seconds
    for method, connections in (*(("GET", connections) for connections in _CONNECTIONS), ("HEAD", 1)):
        began, before = time.monotonic(), cpu_seconds(one.pid)
        rate = asker.ask(one.url, method=method, connections=connections, seconds=seconds, token=one.token)
        # What follows from the record is part of what it costs.
        time.sleep(2.0)
        used = cpu_seconds(one.pid) - before - at_rest * (time.monotonic() - began)
        case = f"{method}, {connections} connections"
        results.add(case, one.way, **{"CPU ms": 1_000 * used / rate.requests, "requests/s": rate.requests_s})


if __name__ == "__main__":
    main()

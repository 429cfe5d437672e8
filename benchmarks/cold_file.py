"""How long a file takes that the mirror has decided about but does not have, against the upstream itself.

    python -m benchmarks.cold_file [--rounds 5] [--size 1GiB] [--case per-connection] [--json result.json]

Three upstreams: one that caps each connection at 60 MB/s of 400 and takes 50 ms to answer, one whose 100 MB/s in total
are the cap, and one without limits. The client reads to the end; the mirror must have checked hash and scan before it
releases the last bytes. nginx (proxy_cache) is a cache in front of the upstream's second origin, under a new address in
each round; the mirror and olah start anew in each. Ends with an error if the mirror sent what the upstream did not.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cold, measure, subject
from benchmarks.peers import Upstream, install_olah
from benchmarks.results import Results, Target


@dataclass(frozen=True)
class Limits:
    """What an upstream can do."""

    name: str
    title: str
    latency_ms: float = 0.0
    connection_mb_s: float | None = None
    total_mb_s: float | None = None


PER_CONNECTION = Limits("per-connection", "60 MB/s a connection of 400, 50 ms", 50.0, 60.0, 400.0)
TOTAL = Limits("total", "100 MB/s in total", 0.0, None, 100.0)
UNCAPPED = Limits("uncapped", "without limits")
CASES = (PER_CONNECTION, TOTAL, UNCAPPED)


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("--size", type=measure.size, default=1 << 30)
    parser.add_argument("--case", choices=[limits.name for limits in CASES], action="append", help="this one alone")
    options = parser.parse_args()
    measure.program("nginx")
    if not options.without_olah:
        install_olah()
    results = Results(f"a cold file of {options.size >> 20} MiB", options, "direct")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder:
        root = Path(folder)
        made = subject.one_file(root, options.size)
        for limits in CASES:
            if not options.case or limits.name in options.case:
                _measure(results, limits, root / limits.name, made, options)
                shutil.rmtree(root / limits.name)
    results.targets = [
        Target(PER_CONNECTION.title, "mirror", "s", at_most=0.3, against="direct"),
        Target(TOTAL.title, "mirror", "s", at_most=1.02, against="direct"),
        Target(TOTAL.title, "mirror", "first byte ms", at_most=15.0, against="direct", difference=True),
        Target(UNCAPPED.title, "mirror", "s", at_most=1.1, against="nginx proxy_cache"),
    ]
    results.report()


def _measure(results: Results, limits: Limits, root: Path, made: subject.Subject, options: argparse.Namespace) -> None:
    caps = {"connection_mb_s": limits.connection_mb_s, "total_mb_s": limits.total_mb_s}
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream(root / "upstream", made, latency_ms=limits.latency_ms, **caps))
        ways = cold.ways(root, made, upstream, options, stack)
        for number in range(options.rounds):
            for way, pull in measure.rotated(ways, number):
                measure.settle()
                reading = pull(1)
                results.add(limits.title, way, **{"s": reading.seconds, "first byte ms": reading.first_byte_s * 1e3})


if __name__ == "__main__":
    main()

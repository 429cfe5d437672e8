"""How fast a cached file leaves, and what that costs: 1 client, 8 clients, and 8 clients that read ranges.

    python -m benchmarks.cached_file [--rounds 5] [--size 2GiB] [--tls] [--json result.json]

The mirror, nginx with the same file as a static one (sendfile), and olah, each with the file in its cache and in the
page cache. The client throws the bytes away in a process of its own. CPU is of the server's whole process tree. olah
is so much slower that it sends only the first `--olah-size` bytes of the file; its figures are per GB like the others'.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import measure, nginx, reader, subject
from benchmarks.peers import Olah, Upstream, admit, install_olah, mirror, weights_of
from benchmarks.processes import cpu_seconds
from benchmarks.results import Results, Target

_RANGE_BYTES = 10 << 20


@dataclass(frozen=True)
class Case:
    """A way of pulling."""

    name: str
    streams: int
    ranges: bool
    times: int = 1
    """How often in a round, one after another: half a second alone would measure the scheduler's moods."""


CASES = (
    Case("1 client", 1, ranges=False, times=4),
    Case("8 clients", 8, ranges=False),
    Case("8 clients, 10 MiB ranges", 8, ranges=True),
)


@dataclass(frozen=True)
class Server:
    """Who is pulled from."""

    name: str
    url: str
    pid: int
    most_bytes: int | None
    """What a stream reads of the file at most."""


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("--size", type=measure.size, default=2 << 30)
    parser.add_argument("--olah-size", type=measure.size, default=128 << 20, help="bytes a stream that olah sends")
    parser.add_argument("--tls", action="store_true", help="all over TLS, without olah")
    options = parser.parse_args()
    measure.program("nginx")
    with_olah = not options.without_olah and not options.tls
    if with_olah:
        install_olah()
    results = Results("a cached file", options, "nginx")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder, ExitStack() as stack:
        for_round = _servers(Path(folder), options, stack, with_olah=with_olah)
        for number in range(options.rounds):
            for case in CASES:
                for server in measure.rotated(for_round, number):
                    _pull(results, case, server, options.size)
    least = 0.8 if options.tls else 0.95
    for case in CASES:
        results.targets.append(Target(case.name, "mirror", "GB/s", at_least=least, against="nginx"))
        results.targets.append(Target(case.name, "mirror", "CPU s/GB", at_most=1.25, against="nginx"))
    if with_olah:
        results.notes.append(f"olah sends the first {options.olah_size >> 20} MiB to each stream")
    results.report()


def _servers(root: Path, options: argparse.Namespace, stack: ExitStack, *, with_olah: bool) -> list[Server]:
    """Started, and with the file in the cache."""
    made = subject.one_file(root, options.size)
    tls = nginx.Tls(root) if options.tls else None
    upstream = stack.enter_context(Upstream(root / "upstream", made))
    rival = stack.enter_context(nginx.static(root / "nginx", made, workers=options.processes, tls=tls))
    ours = stack.enter_context(mirror(root / "data", upstream, processes=options.processes, tls=tls))
    admit(ours)
    servers = [
        Server("mirror", weights_of(ours.url), ours.pid, None),
        Server("nginx", weights_of(rival.url), rival.pid, None),
    ]
    if with_olah:
        olah = stack.enter_context(Olah(root / "olah", upstream))
        servers.append(Server("olah", weights_of(olah.url), olah.pid, min(options.olah_size, options.size)))
    for server in servers:
        _read(server, Case("warm up", 1, ranges=False), options.size)
    measure.settle()
    return servers


def _read(server: Server, case: Case, size: int) -> reader.Reading:
    total = server.most_bytes or size
    if case.ranges:
        return reader.read(server.url, streams=case.streams, range_bytes=_RANGE_BYTES, total=total)
    if total < size:
        return reader.read(server.url, streams=case.streams, range_bytes=total, total=total)
    return reader.read(server.url, streams=case.streams)


def _pull(results: Results, case: Case, server: Server, size: int) -> None:
    before = cpu_seconds(server.pid)
    readings = [_read(server, case, size) for _ in range(case.times)]
    used = cpu_seconds(server.pid) - before
    gigabytes = sum(reading.size for reading in readings) / 1e9
    seconds = sum(reading.seconds for reading in readings)
    results.add(case.name, server.name, **{"GB/s": gigabytes / seconds, "CPU s/GB": used / gigabytes})


if __name__ == "__main__":
    main()

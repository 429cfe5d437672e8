"""What a server process holds in memory while 8 clients pull a big file: from the cache, and while it comes in.

    python -m benchmarks.memory [--rounds 3] [--size 2GiB] [--json result.json]

Looked at 20 times a second: the largest server process (not the worker, the broker or the jails) by RSS and by PSS,
which shares out what several processes have in common; the page cache is nobody's. "all" is the PSS of everything that
was started together. nginx is a proxy_cache in front of the same upstream; both caches are cold in the second case.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks import measure, nginx, processes, reader, subject
from benchmarks.cold import cold_mirror, pull_cold
from benchmarks.peers import Olah, Upstream, install_olah, weights_of
from benchmarks.results import Results, Target

_CLIENTS = 8
_EVERY_S = 0.05
_NO_SERVER = ("curator.cli worker", "valkey", "scanners.jail")
_CACHED, _COLD = f"{_CLIENTS} clients, cached", f"{_CLIENTS} clients, cold"


class Watch:
    """The peaks of a process tree while the block runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.rss_mb = 0.0
        self.pss_mb = 0.0
        self.all_mb = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            everything = 0.0
            for pid in processes.tree(self._pid):
                rss, pss = processes.memory_bytes(pid)
                everything += pss / 1e6
                if not any(name in processes.command_line(pid) for name in _NO_SERVER):
                    self.rss_mb = max(self.rss_mb, rss / 1e6)
                    self.pss_mb = max(self.pss_mb, pss / 1e6)
            self.all_mb = max(self.all_mb, everything)
            if self._over.wait(_EVERY_S):
                return


def main() -> None:
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--size", type=measure.size, default=2 << 30)
    parser.add_argument("--olah-size", type=measure.size, default=128 << 20, help="bytes that olah sends each client")
    options = parser.parse_args()
    measure.program("nginx")
    if not options.without_olah:
        install_olah()
    results = Results("memory of the server process", options, "nginx proxy_cache")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder, ExitStack() as stack:
        _measure(results, Path(folder), options, stack)
    for case in (_CACHED, _COLD):
        results.targets.append(Target(case, "mirror", "RSS MB", at_most=200.0))
    if not options.without_olah:
        results.notes.append(f"olah sends the first {options.olah_size >> 20} MiB to each client, from its cache")
    results.report()


def _measure(results: Results, root: Path, options: argparse.Namespace, stack: ExitStack) -> None:
    made = subject.one_file(root, options.size)
    upstream = stack.enter_context(Upstream(root / "upstream", made))
    cache = stack.enter_context(nginx.caching(root / "cache", upstream.cdn_url, workers=options.processes))
    kept = f"{cache.url}/{made.file().sha256}"
    part = min(options.olah_size, options.size)
    olah = None if options.without_olah else stack.enter_context(Olah(root / "olah", upstream))

    def watched(case: str, way: str, pid: int, pull: Callable[[], reader.Reading]) -> None:
        with Watch(pid) as watch:
            pull()
        results.add(case, way, **{"RSS MB": watch.rss_mb, "PSS MB": watch.pss_mb, "all MB": watch.all_mb})

    for number in range(options.rounds):
        from_nginx = partial(reader.read, f"{kept}?round={number}", streams=_CLIENTS)
        with cold_mirror(root / f"data-{number}", upstream, options.processes) as ours:
            watched(_COLD, "mirror", ours.pid, partial(pull_cold, ours, made, upstream, _CLIENTS))
            watched(_CACHED, "mirror", ours.pid, partial(reader.read, weights_of(ours.url), streams=_CLIENTS))
        watched(_COLD, "nginx proxy_cache", cache.pid, from_nginx)
        watched(_CACHED, "nginx proxy_cache", cache.pid, from_nginx)
        if olah is not None:
            from_olah = partial(reader.read, weights_of(olah.url), range_bytes=part, total=part)
            from_olah()
            watched(_CACHED, "olah", olah.pid, partial(from_olah, streams=_CLIENTS))


if __name__ == "__main__":
    main()

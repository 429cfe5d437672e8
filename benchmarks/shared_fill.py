"""Eight clients that want one cold file at the same moment: how often the upstream sends it, and who waits how long.

    python -m benchmarks.shared_fill [--rounds 5] [--size 512MiB] [--processes 2] [--json result.json]

The upstream sends 100 MB/s in total (`--total-mb-s`), so that a second copy would be seen in everyone's time. Copies
are the bytes that the upstream sent over the file's size. "slowest s" is of the client that waited longest, to be held
against the time of a single client of the same cold file, measured in the same round.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import cold, measure, subject
from benchmarks.peers import Upstream, install_olah
from benchmarks.results import Results, Target

_CLIENTS = 8


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("--size", type=measure.size, default=512 << 20)
    parser.add_argument("--total-mb-s", type=float, default=100.0, help="what the upstream sends a second in total")
    options = parser.parse_args()
    measure.program("nginx")
    if not options.without_olah:
        install_olah()
    results = Results(f"one cold file of {options.size >> 20} MiB for many", options, "direct")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder, ExitStack() as stack:
        root = Path(folder)
        made = subject.one_file(root, options.size)
        upstream = stack.enter_context(Upstream(root / "upstream", made, total_mb_s=options.total_mb_s))
        ways = cold.ways(root, made, upstream, options, stack)
        for number in range(options.rounds):
            for clients in (1, _CLIENTS):
                for way, pull in measure.rotated(ways, number):
                    measure.settle()
                    upstream.forget()
                    reading = pull(clients)
                    copies = upstream.traffic().cdn_bytes / options.size
                    results.add(_case(clients), way, **{"slowest s": reading.slowest_s, "copies": copies})
    many = _case(_CLIENTS)
    results.targets = [
        Target(many, "mirror", "copies", at_most=1.001),
        Target(many, "mirror", "slowest s", at_most=1.05, other_case=_case(1)),
    ]
    results.report()


def _case(clients: int) -> str:
    return f"{clients} client{'s' if clients > 1 else ''}"


if __name__ == "__main__":
    main()

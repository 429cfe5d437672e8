"""How long the first one who asks for an unknown repository waits for the decision, and what is read to come to it.

    python -m benchmarks.judge [--rounds 5] [--shards 30] [--total 100G] [--latency-ms 50] [--json result.json]

A repository of safetensors shards that are sparse files: true headers, then holes. Each round has a mirror that has
seen nothing, and counts from the first request for the repository's info to its first answer that serves it. "direct"
is the time in which the upstream itself answers that request. Nobody else judges, so there is no rival here: nginx and
olah answer this with what the upstream says.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from benchmarks import measure, subject
from benchmarks.peers import INFO, Upstream, admit, mirror
from benchmarks.results import Results, Target


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("--shards", type=int, default=30)
    parser.add_argument("--total", type=measure.size, default=100 * 10**9, help="size of all shards together")
    parser.add_argument("--latency-ms", type=float, default=50.0)
    options = parser.parse_args()
    case = f"{options.shards} shards, {options.total / 1e9:.0f} GB, {options.latency_ms:g} ms"
    results = Results("judging an unknown repository", options, "direct")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder:
        root = Path(folder)
        made = subject.sparse_shards(root, options.shards, options.total)
        with Upstream(root / "upstream", made, latency_ms=options.latency_ms) as upstream:
            for number in range(options.rounds):
                began = time.monotonic()
                urlopen(upstream.url + INFO).close()
                results.add(case, "direct", s=time.monotonic() - began)
                data = root / f"data-{number}"
                with mirror(data, upstream, processes=options.processes) as ours:
                    upstream.forget()
                    began = time.monotonic()
                    admit(ours)
                    took = time.monotonic() - began
                    traffic = upstream.traffic()
                requests = traffic.hub_requests + traffic.cdn_requests
                read = (traffic.hub_bytes + traffic.cdn_bytes) / 1e6
                results.add(case, "mirror", **{"s": took, "MB read": read, "requests": requests})
                shutil.rmtree(data)
    results.targets = [
        Target(case, "mirror", "s", at_most=3.0),
        Target(case, "mirror", "MB read", at_most=20.0),
    ]
    results.report()


if __name__ == "__main__":
    main()

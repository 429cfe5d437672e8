"""How many small answers a second, and how late the slowest: HEAD of a file, and a repository's info of about 4 KB.

    python -m benchmarks.small_answers [--rounds 5] [--seconds 5] [--json result.json]

The mirror asks for a token and writes its audit; nginx serves the same info as a static file and asks for nothing;
olah has the metadata in its cache. 16 keep-alive connections. GET is measured by wrk; HEAD, which wrk 4.1 cannot
measure (it waits for a body and counts nothing), by `benchmarks.asker`, for all of them. Ends with an error if the
upstream was asked anything for the mirror while it was measured.
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from benchmarks import asker, measure, nginx, subject
from benchmarks.peers import INFO, Olah, Upstream, admit, install_olah, mirror, new_token, weights_of
from benchmarks.results import Results, Target

_CONNECTIONS = 16
_SIZE = 1 << 20
_HEAD, _INFO = "HEAD of resolve", "GET of model info"


@dataclass(frozen=True)
class Server:
    """Who is asked."""

    name: str
    url: str
    token: str | None
    upstream: Upstream


def main() -> None:
    parser = measure.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    measure.program("nginx")
    wrk = measure.program("wrk")
    if not options.without_olah:
        install_olah()
    results = Results("small answers", options, "nginx")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder, ExitStack() as stack:
        root = Path(folder)
        made = subject.one_file(root, _SIZE)
        upstream, others = (stack.enter_context(Upstream(root / name, made)) for name in ("ours", "others"))
        # What a branch points to is asked anew every 30 s by default: that one request is no part of an answer's cost.
        settings = {"anonymous": "no", "revision_ttl_s": "86400"}
        ours = stack.enter_context(mirror(root / "data", upstream, processes=options.processes, settings=settings))
        token = new_token(ours)
        admit(ours, token)
        rival = stack.enter_context(nginx.static(root / "nginx", made, workers=options.processes))
        servers = [Server("mirror", ours.url, token, upstream), Server("nginx", rival.url, None, others)]
        if not options.without_olah:
            olah = stack.enter_context(Olah(root / "olah", others))
            servers.append(Server("olah", olah.url, None, others))
        for server in servers:
            _warm_up(server)
        for number in range(options.rounds):
            for server in measure.rotated(servers, number):
                _measure(results, server, root, wrk, options.seconds)
        with urlopen(rival.url + INFO) as answer:
            results.notes.append(f"the info has {len(answer.read())} bytes")
    for case in (_HEAD, _INFO):
        results.targets.append(Target(case, "mirror", "requests/s", at_least=0.3, against="nginx"))
        results.targets.append(Target(case, "mirror", "p99 ms", at_most=3.0))
    results.report()


def _warm_up(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
    for method, url in (("HEAD", weights_of(server.url)), ("GET", server.url + INFO)):
        for _ in range(_CONNECTIONS):
            urlopen(Request(url, headers=headers, method=method)).close()


def _measure(results: Results, server: Server, folder: Path, wrk: str, seconds: float) -> None:
    server.upstream.forget()
    head = asker.ask(
        weights_of(server.url), method="HEAD", connections=_CONNECTIONS, seconds=seconds, token=server.token
    )
    get = _by_wrk(wrk, folder, server.url + INFO, seconds, server.token)
    asked = server.upstream.traffic().hub_requests
    if server.name == "mirror" and asked:
        raise SystemExit(f"The mirror asked the upstream {asked} times for what it knew.")
    results.add(
        _HEAD,
        server.name,
        **{"requests/s": head.requests_s, "p50 ms": head.p50_ms, "p99 ms": head.p99_ms, "client CPU": head.client_cpu},
    )
    results.add(_INFO, server.name, **{"requests/s": get[0], "p50 ms": get[1], "p99 ms": get[2]})


def _by_wrk(wrk: str, folder: Path, url: str, seconds: float, token: str | None) -> tuple[float, float, float]:
    """Requests a second, and the median and the 99th percentile in ms."""
    script = folder / "ask.lua"
    authorization = f'wrk.headers["Authorization"] = "Bearer {token}"\n' if token else ""
    script.write_text(
        f"{authorization}done = function(summary, latency, requests)\n"
        "  local errors = summary.errors\n"
        "  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout\n"
        '  io.write(string.format("RESULT %d %d %f %f %d\\n", summary.requests, summary.duration,\n'
        "    latency:percentile(50), latency:percentile(99), failed))\nend\n"
    )
    command = [wrk, "-t", "1", "-c", str(_CONNECTIONS), "-d", f"{max(1, round(seconds))}s", "-s", str(script), url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = next(line for line in out.splitlines() if line.startswith("RESULT"))
    count, took_us, p50_us, p99_us, failed = (float(value) for value in line.split()[1:])
    if failed:
        raise SystemExit(f"{failed:.0f} of {count:.0f} requests for {url} failed.")
    return count / (took_us / 1e6), p50_us / 1e3, p99_us / 1e3


if __name__ == "__main__":
    main()

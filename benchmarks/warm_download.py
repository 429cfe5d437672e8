"""How long a developer waits for a file that is in the cache: the real huggingface_hub, against no mirror at all.

    python -m benchmarks.warm_download [--rounds 7] [--size 256MiB] [--json result.json]

`hf_hub_download` into an empty cache, a process a pull, timed inside it. "direct" is nginx with the file and the
headers of the Hub as static files; "nginx proxy_cache" a cache in front of that, already filled; olah one in front of
the stand-in upstream, already filled. Xet is off: no peer has bytes there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import measure, nginx, subject
from benchmarks.peers import Olah, Upstream, admit, install_olah, mirror
from benchmarks.results import Results, Target

_PULL = """
import sys, time
from huggingface_hub import hf_hub_download
began = time.monotonic()
path = hf_hub_download(sys.argv[1], sys.argv[2], cache_dir=sys.argv[3])
print(time.monotonic() - began)
"""
_CASE = "hf_hub_download, warm"


def main() -> None:
    parser = measure.parser(__doc__, rounds=7)
    parser.add_argument("--size", type=measure.size, default=256 << 20)
    options = parser.parse_args()
    measure.program("nginx")
    if not options.without_olah:
        install_olah()
    results = Results(f"warm download of {options.size >> 20} MiB", options, "direct")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder, ExitStack() as stack:
        root = Path(folder)
        made = subject.one_file(root, options.size)
        upstream = stack.enter_context(Upstream(root / "upstream", made))
        direct = stack.enter_context(nginx.static(root / "nginx", made, workers=options.processes))
        cache = stack.enter_context(nginx.caching(root / "cache", direct.url, workers=options.processes))
        ours = stack.enter_context(mirror(root / "data", upstream, processes=options.processes))
        admit(ours)
        ways = [("direct", direct.url), ("mirror", ours.url), ("nginx proxy_cache", cache.url)]
        if not options.without_olah:
            ways.append(("olah", stack.enter_context(Olah(root / "olah", upstream)).url))
        for _, url in ways:
            _pull(url, root / "pulled", options.size)
        for number in range(options.rounds):
            for way, url in measure.rotated(ways, number):
                measure.settle()
                results.add(_CASE, way, s=_pull(url, root / "pulled", options.size))
    results.targets.append(Target(_CASE, "mirror", "s", at_most=1.1, against="direct"))
    results.report()


def _pull(endpoint: str, cache: Path, size: int) -> float:
    """Seconds; what was pulled is removed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1", "HF_HOME": str(cache / "home")}
    command = [sys.executable, "-c", _PULL, subject.REPO, subject.WEIGHTS, str(cache)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the pull from {endpoint} failed: {done.stderr[-1_000:]}")
    pulled = [path.stat().st_size for path in cache.glob("models--*/blobs/*")]
    assert pulled == [size], f"{endpoint} gave files of {pulled} bytes"
    shutil.rmtree(cache)
    return float(done.stdout)


if __name__ == "__main__":
    main()

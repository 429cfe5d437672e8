"""How long a developer waits for a model: through the mirror, cold and warm, and directly from the Hub.

    python -m benchmarks.pull [--rounds 5] [--json result.json]

The client is the real huggingface_hub, a process a pull, timed inside it around `snapshot_download` into an empty
cache; the model is all-MiniLM-L6-v2 (90 MB) from the stand-in Hub on the same machine, so "directly" has no network
that would flatter the mirror. Xet is off: the stand-in announces it and has no bytes there. The three ways alternate
within each round. Cold is a mirror that has seen nothing: it lists, scans, decides and stores while the client waits.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess

REPO = "sentence-transformers/all-MiniLM-L6-v2"
PULL = """
import sys, time
from huggingface_hub import snapshot_download
began = time.monotonic()
snapshot_download(sys.argv[1], cache_dir=sys.argv[2])
print(time.monotonic() - began)
"""


def pull(endpoint: str, cache: Path) -> float:
    """Seconds."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", PULL, REPO, str(cache)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds of each pull, by way."""
    ways: dict[str, list[float]] = {"direct": [], "cold mirror": [], "warm mirror": []}
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-") as folder, FixtureHub() as hub:
        root = Path(folder)
        pull(hub.url, root / "unmeasured")
        for number in range(rounds):
            here = root / str(number)
            with MirrorProcess(here / "data", hub.url) as mirror:
                ways["cold mirror"].append(pull(mirror.url, here / "cold"))
                ways["warm mirror"].append(pull(mirror.url, here / "warm"))
            ways["direct"].append(pull(hub.url, here / "direct"))
    return ways


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    ways = measure(options.rounds)
    direct = statistics.median(ways["direct"])
    print(f"{REPO}, {options.rounds} rounds\n{'way':<12} {'median s':>9} {'best s':>7} {'x direct':>9}")
    for way, seconds in ways.items():
        middle = statistics.median(seconds)
        print(f"{way:<12} {middle:>9.2f} {min(seconds):>7.2f} {middle / direct:>9.2f}")
    if options.json:
        options.json.write_text(json.dumps({"repo": REPO, "seconds": ways}, indent=2) + "\n")


if __name__ == "__main__":
    main()

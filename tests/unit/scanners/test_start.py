"""A scan of one small file is over before other programs have started: it loads what it needs, and nothing else."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import workloads
from scanners.finding import Verdict
from tests.scanning import judged

SLOW = {
    "aiohttp", "anyio", "argparse", "asyncio", "bandit", "curator.settings", "curator.upstream", "email", "fickling",
    "h5py", "hashlib", "http", "importlib.metadata", "jinja2", "logging", "modelscan", "multiprocessing",
    "numpy", "pathlib", "picklescan", "pydantic", "rich", "scanners.jail", "scanners.jail_child", "socket", "ssl",
    "subprocess", "tempfile", "typer", "unittest", "urllib.request", "xml", "yaml", "zipfile",
}  # fmt: skip
"""Each takes a millisecond at least, most of them ten."""
SCAN = """
import sys
from curator.cli import main
sys.argv = ["curator", "scan", "--no-second-opinions", sys.argv[1]]
try:
    main()
except SystemExit as end:
    print(end.code, *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("kind", ["pickle", "safetensors", "checkpoint"])
def test_a_scan_loads_only_what_it_needs(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    if kind == "pickle":
        path.write_bytes(pickle.dumps({"a": [1, 2.5]}))
    elif kind == "safetensors":
        workloads.safetensors(path, 1 << 20)
    else:
        workloads.checkpoint(path, 1 << 20)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CURATOR_")}
    environment["PYTHONPATH"] = str(Path.cwd())
    command = [sys.executable, "-c", SCAN, str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    code, *loaded = done.stderr.split()
    assert code == "0", done.stdout
    # What the installation itself loads at each start is not ours.
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert SLOW & set(loaded) - set(bare.stdout.split()) == set()


def test_the_files_that_scanners_are_timed_with_are_what_they_say(tmp_path: Path) -> None:
    workloads.checkpoint(tmp_path / "checkpoint.pt", 1 << 20)
    workloads.safetensors(tmp_path / "weights.safetensors", 1 << 20)
    for name, kind in (("checkpoint.pt", "torch-zip"), ("weights.safetensors", "safetensors")):
        report = judged((tmp_path / name).read_bytes(), name)
        assert (report.format, report.verdict, report.findings) == (kind, Verdict.SAFE, ())

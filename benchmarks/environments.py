"""Other people's programs, each pinned by a lock of its own and in an environment of its own under `.bench/`."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.measure import give_up

ROOT = Path(__file__).parents[1]


def home(name: str) -> Path:
    """The folder of the environment."""
    return ROOT / ".bench" / name


def program_of(name: str) -> str:
    """The command that has the name of its environment."""
    return str(home(name) / "bin" / name)


def install(name: str, how_to_do_without: str) -> None:
    """Made once for each version of its lock, `requirements/bench/<name>.txt`."""
    folder = home(name)
    lock = ROOT / "requirements" / "bench" / f"{name}.txt"
    stamp = folder / "lock.sha256"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"installing {name} into .bench/{name} ...", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    commands: Iterable[list[str]] = (
        [sys.executable, "-m", "venv", "--without-pip", str(folder)],
        [*pip, "--python", str(folder / "bin" / "python"), "install", "--require-hashes", "-r", str(lock)],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            give_up(f"{name} could not be installed ({how_to_do_without}): {done.stderr.strip()[-1_000:]}")
    stamp.write_text(digest)

"""A little coverage-guided fuzzing in each run of the tests; `make fuzz` goes on for longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris has no wheel for this system and Python: Linux below 3.14 alone")

RUNS = {"scan": 1_500, "protocol": 20_000}
"""As many on a busy machine as on another, and nearly the same."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", RUNS)
def test_no_input_breaks_a_parser(target: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.harness", "--target", target, "--runs", str(RUNS[target])]
    # All of them would take the time alone.
    command += ["--folder", str(tmp_path), "--most-seeds", "400"]
    # A shell between them: the system charges a new process with the most memory that the one had which it was split
    # off from (getrusage(2), ru_maxrss), and a process that has run a thousand tests had more than an input may take.
    command = ["sh", "-c", '"$@"; exit $?', "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-6_000:]
    assert "stat::number_of_executed_units" in done.stderr

"""What tests start from a loaded process is what they would start afresh."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures import programs
from tests.contract.clients import bare_environment

ROOT = Path(__file__).parents[2]
PICKLE = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R."

SESSION = """
import os, sys, time
from fixtures import programs
out = os.open("/dev/null", os.O_WRONLY)
with programs.loaded():
    program = programs.start("fixtures.hub", [], os.environ, out=out)
    print(program.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["nonsense"],
        ["config", "show", "--format", "json"],
        ["token", "create", "me", "--data", "{folder}/no-such"],
        ["serve", "--data", "{folder}/data", "--upstream", "nowhere"],
        ["scan", "{folder}/model.pkl", "--no-second-opinions"],
        ["rules", "check", "{folder}/rules.yaml"],
    ],
    ids=" ".join,
)
def test_a_command_says_and_answers_the_same(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(PICKLE)
    (tmp_path / "rules.yaml").write_text("rules: 7")
    arguments = [word.format(folder=tmp_path) for word in words]
    given = bare_environment() | {"CURATOR_PORT": "8123", "CURATOR_URL": "http://127.0.0.1:9"}
    ways = [programs.run("curator.cli", arguments, given, fresh=fresh) for fresh in (False, True)]
    assert ways[0].stdout + ways[0].stderr
    assert vars(ways[0]) == vars(ways[1])


def test_what_a_program_reads_while_it_loads_is_read_by_one_that_is_fresh(tmp_path: Path) -> None:
    given = bare_environment() | {"PYTHONOPTIMIZE": "1", "PYTHONVERBOSE": "1"}
    done = programs.run("curator.cli", ["--version"], given)
    assert "import 'site'" in done.stderr


def test_nothing_is_left_of_what_was_started_by_a_process_that_was_killed(tmp_path: Path) -> None:
    session = subprocess.Popen([sys.executable, "-c", SESSION], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    pid = int(session.stdout.readline())
    deadline = time.monotonic() + 60
    while os.getsid(pid) != pid:
        # It is the first thing that it does, but it is there before.
        assert time.monotonic() < deadline, "it has no session of its own"
        time.sleep(0.01)
    started = os.pidfd_open(pid)
    session.send_signal(signal.SIGKILL)
    session.wait()
    ended, _, _ = select.select([started], [], [], 60)
    os.close(started)
    assert ended

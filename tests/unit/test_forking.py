"""What a copy of `serve` that runs another command has of it: what is loaded, and nothing that is open or set."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is copied")
ROOT = Path(__file__).parents[2]

SCRIPT = """
import atexit, json, os, sys, threading, time
import curator.cli
from curator.cli.forking import can_fork, fork

def told():
    numbers = [number for number in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{number}")]
    print(json.dumps({
        "words": sys.argv,
        "shown": open("/proc/self/cmdline").read().rstrip("\\0").split("\\0"),
        "files": {number: os.readlink(f"/proc/self/fd/{number}") for number in numbers},
        "variables": dict(os.environ),
        "input": sys.stdin.read(),
    }))
    END

curator.cli.main = told
atexit.register(print, "the original ends")
lock, listener = os.open("lock", os.O_CREAT), os.open("listener", os.O_CREAT)
assert can_fork()
copy = fork(["worker", "--quiet"], {"CURATOR_SAID": "yes"}, [listener])
print(json.dumps({"code": copy.wait(30), "listener": listener}))
"""


def python(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, "so that there is room for what is shown of a copy"]
    given = {"PYTHONPATH": str(ROOT), "ORIGINALS": "own"}
    return subprocess.run(
        command, cwd=folder, env=given, input="theirs", capture_output=True, text=True, timeout=60, check=True
    )


def test_a_copy_has_its_own_words_and_variables_and_no_file_but_those_it_is_to_have(tmp_path: Path) -> None:
    copy, original, last = python(SCRIPT.replace("END", "sys.exit(3)"), tmp_path).stdout.splitlines()
    seen, waited = json.loads(copy), json.loads(original)
    assert seen["words"] == ["curator", "worker", "--quiet"]
    assert seen["shown"] == ["curator.cli", "worker", "--quiet"]
    assert seen["variables"] == {"CURATOR_SAID": "yes"}
    assert seen["input"] == ""
    assert seen["files"].keys() == {"0", "1", "2", str(waited["listener"])}
    assert seen["files"][str(waited["listener"])] == str(tmp_path / "listener")
    assert waited["code"] == 3
    assert last == "the original ends", "once, and not by the copy"


@pytest.mark.parametrize(
    ("end", "code"), [("return", 0), ("raise ValueError('broken')", 1), ("os.kill(os.getpid(), 9)", -9)]
)
def test_however_a_copy_ends_it_goes_on_with_nothing_of_the_original(tmp_path: Path, end: str, code: int) -> None:
    done = python(SCRIPT.replace("END", end), tmp_path)
    *_, original, last = done.stdout.splitlines()
    assert json.loads(original)["code"] == code
    assert done.stdout.count(last) == 1
    assert ("ValueError: broken" in done.stderr) == ("broken" in end)


def test_a_copy_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    script = SCRIPT.replace("copy.wait(30)", "copy.poll() or copy.terminate() or copy.wait(30)")
    assert '"code": -15' in python(script.replace("END", "time.sleep(60)"), tmp_path).stdout


def test_a_process_that_does_more_than_one_thing_is_not_copied(tmp_path: Path) -> None:
    script = "import threading; from curator.cli.forking import can_fork; e = threading.Event(); print(can_fork()); "
    script += "t = threading.Thread(target=e.wait); t.start(); print(can_fork()); e.set(); t.join()"
    assert python(script, tmp_path).stdout.split() == ["True", "False"]

"""Every command of the README does what a newcomer would see it do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import ROOT
from tests.contract.http import ask
from tests.scanning import SAFETENSORS

BLOCKS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMANDS = [
    line for block in BLOCKS.findall((ROOT / "README.md").read_text()) for line in block.splitlines() if line.strip()
]
RUN_OTHERWISE = {
    "make demo": "below",
    "make serve": "below",
    "make test": "this is it",
    "make check": "`.ci/run` has run it before",
}
WITH_RULES = [line for line in COMMANDS if re.match("curator (rules (show|test|replay|publish)|waive|approve) ", line)]
"""What changes a mirror, one after the other."""
AT_THE_MACHINE = re.findall(r"^\$ (curator (?:team|user) .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
"""What lets people in, on the mirror's own machine."""


# What is installed is `make test`'s business: nothing is to be exchanged under the tests that run beside this one.
MAKE = ["make", *(word for stamp in (".runtime", ".dev", ".fixtures") for word in ("--assume-old", f".venv/{stamp}"))]


@pytest.mark.parametrize("command", [line for line in COMMANDS if line not in [*RUN_OTHERWISE, *WITH_RULES]])
def test_a_command_of_the_readme_works(command: str, mirror: MirrorProcess, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    shutil.copy(SAFETENSORS, tmp_path / "model")
    (tmp_path / "rules").symlink_to(ROOT / "rules")
    (tmp_path / "models.txt").write_text("acme-research/tiny-bert\n")
    run(command, mirror, tmp_path)


def run(command: str, mirror: MirrorProcess, folder: Path, **more: str) -> None:
    """As a newcomer would, in a folder of his own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "CURATOR_"))}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
        "HF_ENDPOINT": mirror.url,
        "HF_HOME": str(folder / "home"),
        "CURATOR_UPSTREAM": mirror.upstream,
    }
    ran = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment | more, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"


def test_rules_of_the_readme_come_into_force_one_command_after_the_other(hub: FixtureHub, tmp_path: Path) -> None:
    assert len(AT_THE_MACHINE) == 4
    assert [line.split()[2] for line in WITH_RULES[:4]] == ["show", "test", "replay", "publish"]
    with MirrorProcess(tmp_path / "data", hub.url) as mirror:
        assert mirror.admin_token is not None
        for command in AT_THE_MACHINE:
            run(command, mirror, tmp_path, CURATOR_DATA=str(mirror.data))
        for command in WITH_RULES:
            run(command, mirror, tmp_path, CURATOR_TOKEN=mirror.admin_token)


def test_every_command_run_otherwise_is_still_in_the_readme() -> None:
    assert set(RUN_OTHERWISE) <= set(COMMANDS)


def test_the_demonstration_shows_what_it_promises_and_whom_one_can_be_in_its_console() -> None:
    said = ""
    command = [*MAKE, "demo", "ARGS=--stay"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        while "Ctrl+C ends it" not in said:
            line = demo.stdout.readline()
            assert line, said
            said += line
        try:
            console = re.search(r"The console is at (http://[^/]+)/-/sign-in", said)
            rita = re.search(r"Rita, a reviewer\n +(hf_\w+)\n +Review: (\S+) waits", said)
            assert console is not None
            assert rita is not None
            waiting = ask(console[1], "/api/curator/v1/review", headers={"Authorization": f"Bearer {rita[1]}"}).json
            assert [one["repository"] for one in waiting["items"]] == [rita[2]]
        finally:
            os.killpg(demo.pid, signal.SIGINT)
    assert "7 of 7 scenes as promised" in said


def test_make_serve_says_what_to_export_and_the_admin_token_once(tmp_path: Path) -> None:
    for is_first in (True, False):
        command = [*MAKE, "serve", f"ARGS=--port 0 --data {tmp_path / 'data'} --upstream http://127.0.0.1:9"]
        with (
            (tmp_path / "log").open("w+") as log,
            subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            ) as serve,
        ):
            assert serve.stdout is not None
            said = ""
            while "HF_ENDPOINT=" not in said:
                line = serve.stdout.readline()
                assert line, (tmp_path / "log").read_text()
                said += line
            os.killpg(serve.pid, signal.SIGINT)
            said += serve.stdout.read()
        assert ("Admin token, shown this once: hf_" in said) is is_first

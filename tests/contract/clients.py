"""The real clients, each version in an environment of its own (`make clients`)."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import weakref
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.contract import loaded

ROOT = Path(__file__).parents[2]
VERSIONS = ("0.23", "0.36", "1.0", "2.4")
NO_XET = "2.4-no-xet"
"""The newest without hf_xet, which it asks for and does not need."""

_SCRIPT = """
import json, sys
import huggingface_hub
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download
verbs = {
    "file": hf_hub_download,
    "snapshot": snapshot_download,
    "info": lambda **given: HfApi().repo_info(**given),
    "files": lambda **given: HfApi().list_repo_files(**given),
    "tree": lambda **given: list(HfApi().list_repo_tree(**given)),
    "paths": lambda **given: HfApi().get_paths_info(**given),
    "refs": lambda **given: HfApi().list_repo_refs(**given),
    "commits": lambda **given: HfApi().list_repo_commits(**given),
    "models": lambda **given: list(HfApi().list_models(**given)),
    "datasets": lambda **given: list(HfApi().list_datasets(**given)),
    "tags": lambda **given: HfApi().get_model_tags(**given),
    "upload": lambda **given: HfApi().upload_file(**given),
    "auth": lambda **given: HfApi().auth_check(**given),
    "metadata": lambda **given: HfApi().get_safetensors_metadata(**given),
    "shards": lambda **given: HfApi().get_sharded_safetensors_metadata(**given),
    "folder": lambda path: HfFileSystem().ls(path, detail=False),
    "glob": lambda path: HfFileSystem().glob(path),
    "open": lambda path: HfFileSystem().open(path, "rb").read().hex(),
    "whoami": lambda **given: HfApi().whoami(**given),
}
def plain(value):
    return {key: item for key, item in vars(value).items()} if hasattr(value, "__dict__") else str(value)
for line in sys.stdin:
    verb, arguments = json.loads(line)
    try:
        value = verbs[verb](**arguments)
    except Exception as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    else:
        answer = {"value": value}
    print("ANSWER " + json.dumps(answer, default=plain), flush=True)
"""
_END_WITHIN_S = 10


@dataclass(frozen=True)
class Answer:
    """What a client's call came to, and all that it printed."""

    value: Any
    error: str | None
    message: str
    printed: str


def python_of(version: str) -> Path:
    return python_in(f"hub-{version}")


def python_in(name: str) -> Path:
    """The interpreter of an environment of `.clients`."""
    return ROOT / ".clients" / name / "bin" / "python"


def installed(name: str, package: str) -> str:
    """The version of a package in an environment of `.clients`."""
    (found,) = (ROOT / ".clients" / name).glob(f"lib/python*/site-packages/{package}-*.dist-info")
    return found.name.removesuffix(".dist-info").rpartition("-")[2]


def environment(endpoint: str, home: Path, token: str | None = None, **more: str) -> dict[str, str]:
    """Nothing of this machine's, so that only `HF_ENDPOINT` and a token are set, as for a developer."""
    return bare_environment() | {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        **({"HF_TOKEN": token} if token else {}),
        **more,
    }


def bare_environment() -> dict[str, str]:
    """This process's, without what would tell a client of a Hub or a mirror."""
    ours = ("HF_", "CURATOR_", "MODEL_ENDPOINT")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def run_in(
    name: str, script: str, *arguments: str, variables: dict[str, str], timeout_s: float = 150
) -> subprocess.CompletedProcess[str]:
    """Run a script with the interpreter of an environment of `.clients`."""
    command = [str(python_in(name)), "-c", script, *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=timeout_s, check=False)


@dataclass(frozen=True)
class Client:
    """huggingface_hub of one version, in a real process that does one call after another, with a cache of its own.

    Another one with the same `home` is another run of the same program.
    """

    version: str
    endpoint: str
    home: Path
    token: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    """More of its environment."""

    @property
    def release(self) -> str:
        """The version as docs/clients.md has it."""
        exact = installed(f"hub-{self.version}", "huggingface_hub")
        return f"{exact}, no hf_xet" if self.version == NO_XET else exact

    def call(self, verb: str, **arguments: Any) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([verb, arguments]) + "\n")
        self._process.stdin.flush()
        printed = ""
        while not (line := self._process.stdout.readline()).startswith("ANSWER "):
            assert line, f"the client died:\n{printed}"
            printed += line
        answer = json.loads(line.removeprefix("ANSWER "))
        return Answer(answer.get("value"), answer.get("error"), answer.get("message", ""), printed)

    @cached_property
    def _process(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(python_of(self.version)), "-c", _SCRIPT],
            env=environment(self.endpoint, self.home, self.token, **self.variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        weakref.finalize(self, _end, process)
        return process

    def file(self, repo: str, path: str, **more: Any) -> Path:
        """A file as the client got it."""
        answer = self.call("file", repo_id=repo, filename=path, **more)
        assert answer.error is None, f"{answer.error}: {answer.message}\n{answer.printed}"
        return Path(answer.value)

    def snapshot(self, repo: str, **more: Any) -> Path:
        """A repository as the client got it."""
        answer = self.call("snapshot", repo_id=repo, **more)
        assert answer.error is None, f"{answer.error}: {answer.message}\n{answer.printed}"
        return Path(answer.value)


def _end(process: subprocess.Popen[str]) -> None:
    """Let a client end, which it does when nothing more is to be read."""
    with contextlib.suppress(subprocess.TimeoutExpired, BrokenPipeError):
        process.communicate(timeout=_END_WITHIN_S)
    process.kill()
    process.wait()


def hf_command(
    endpoint: str, home: Path, *arguments: str, token: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """The `hf` command of the newest version."""
    command = [str(python_of("2.4").parent / "hf"), *arguments]
    return subprocess.run(
        command,
        env=environment(endpoint, home, token, **variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def curator(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The `curator` command."""
    return loaded.run([*arguments], bare_environment() | variables)

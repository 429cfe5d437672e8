"""The other scanners and ours, as commands; and what each says of every file, read from its output.

An exit code says too little: picklescan ends with 2 where it could not read one file of many, whatever it found in the
others, and modelscan with 0 or 1 by the worst.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT, home, program_of
from scanners.finding import Verdict

Said = dict[str, Verdict]
"""Path below the folder that was scanned, with what was said of it; nothing was said of what is not there."""

FICKLING_LOOP = """
import sys
from pathlib import Path
from fickling.analysis import check_safety
from fickling.fickle import Pickled
for path in sorted(Path(sys.argv[1]).iterdir()):
    with path.open("rb") as file:
        check_safety(Pickled.load(file))
"""
"""What its command does for one file, for all of a folder: the command takes one alone."""


@dataclass(frozen=True)
class Scanner:
    """One that is compared."""

    name: str
    environment: str | None
    """The one of `.bench/` that it needs."""
    command: Callable[[Path, Path], list[str]]
    """Of what is to be scanned, and of a file for its answer."""
    understand: Callable[[str, Path, Path], Said]
    """Of its standard output, the file for its answer, and the folder that was scanned."""
    one_file_a_run: bool = False
    variables: Mapping[str, str] | None = None

    def is_ours(self) -> bool:
        return self.environment is None

    def surroundings(self, home_folder: Path) -> dict[str, str]:
        """The environment variables of its process: a home of its own, no terminal, no telemetry."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        kept |= {"HOME": str(home_folder), "PYTHONPATH": str(ROOT)} if self.is_ours() else {"HOME": str(home_folder)}
        return kept | dict(self.variables or {})


def _ours(*options: str) -> Callable[[Path, Path], list[str]]:
    # The code of this checkout, as the installed command runs it.
    start = [sys.executable, "-m", "curator.cli", "scan", "--format", "json", *options]
    return lambda path, answer: ["/bin/sh", "-c", f'exec "$@" > {answer}', "sh", *start, str(path)]


def _understand_ours(_: str, answer: Path, __: Path) -> Said:
    return {file["path"]: _verdict_of(file) for file in json.loads(answer.read_text())["files"]}


def _verdict_of(file: dict[str, Any]) -> Verdict:
    """A file with a finding of medium that could not be judged to its end was found, whatever else is open."""
    verdict = Verdict(file["verdict"])
    found = any(finding["severity"] == "medium" for finding in file["findings"])
    return Verdict.SUSPICIOUS if verdict is Verdict.UNSCANNABLE and found else verdict


def _understand_picklescan(said: str, _: Path, root: Path) -> Said:
    found: Said = {}
    for line in said.splitlines():
        if bad := re.match(r"(.+?): dangerous import '.*' FOUND", line):
            found[_below(root, bad[1])] = Verdict.UNSAFE
        elif broken := re.match(r"ERROR: .*?(?:in|file) (/.+?): ", line):
            found.setdefault(_below(root, broken[1]), Verdict.UNSCANNABLE)
    return found


_MODELSCAN = {
    "CRITICAL": Verdict.UNSAFE,
    "HIGH": Verdict.UNSAFE,
    "MEDIUM": Verdict.SUSPICIOUS,
    "LOW": Verdict.SAFE,
}


def _understand_modelscan(_: str, answer: Path, root: Path) -> Said:
    document = json.loads(answer.read_text())
    found: Said = {}
    for issue in document["issues"]:
        _add(found, _below(root, issue["source"]), _MODELSCAN[issue["severity"]])
    for error in document["errors"]:
        if "source" in error:
            _add(found, _below(root, error["source"]), Verdict.UNSCANNABLE)
    return found


_FICKLING = {"LIKELY_SAFE": Verdict.SAFE, "POSSIBLY_UNSAFE": Verdict.SAFE, "SUSPICIOUS": Verdict.SUSPICIOUS}
"""All other of its severities are unsafe."""


def _understand_fickling(_: str, answer: Path, root: Path) -> Said:
    if not answer.exists():
        return {root.name: Verdict.UNSCANNABLE}
    return {root.name: _FICKLING.get(json.loads(answer.read_text())["severity"], Verdict.UNSAFE)}


_MODELAUDIT = {"critical": Verdict.UNSAFE, "warning": Verdict.SUSPICIOUS}
"""All other of its severities are remarks."""


def _understand_modelaudit(_: str, answer: Path, root: Path) -> Said:
    document: dict[str, Any] = json.loads(answer.read_text())
    found: Said = {}
    for issue in document["issues"]:
        if issue.get("location"):
            where = re.sub(r" \((?:pos|offset|line).*\)$", "", issue["location"])
            _add(found, _below(root, where), _MODELAUDIT.get(issue["severity"], Verdict.SAFE))
    return found


def _add(found: Said, path: str, verdict: Verdict) -> None:
    found[path] = max(found.get(path, Verdict.SAFE), verdict, key=lambda one: one.rank)


def _below(root: Path, source: str) -> str:
    """`/root/a/model.bin:archive/data.pkl` is said of `a/model.bin`."""
    path = source.removeprefix(f"{root}/")
    while path and not (root / path).is_file():
        shorter = path.rpartition(":")[0]
        if not shorter:
            return path.partition(":")[0]
        path = shorter
    return path


OURS = Scanner("curator", None, _ours("--no-second-opinions"), _understand_ours)
OURS_WITH_OPINIONS = Scanner("curator, all opinions", None, _ours(), _understand_ours)
RIVALS = (
    Scanner(
        "picklescan",
        "picklescan",
        lambda path, _: [program_of("picklescan"), "-p", str(path)],
        _understand_picklescan,
    ),
    Scanner(
        "modelscan",
        "modelscan",
        lambda path, answer: [program_of("modelscan"), "-p", str(path), "-r", "json", "-o", str(answer)],
        _understand_modelscan,
    ),
    Scanner(
        "fickling",
        "fickling",
        lambda path, answer: [str(home("fickling") / "bin" / "python"), "-c", FICKLING_LOOP, str(path)]
        if path.is_dir()
        else [program_of("fickling"), "--check-safety", "--json-output", str(answer), str(path)],
        _understand_fickling,
        one_file_a_run=True,
    ),
    Scanner(
        "modelaudit",
        "modelaudit",
        lambda path, answer: [
            *(program_of("modelaudit"), "scan", str(path), "--no-cache", "--quiet"),
            *("--format", "json", "--output", str(answer)),
        ],
        _understand_modelaudit,
        variables={"PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1"},
    ),
)  # fmt: skip

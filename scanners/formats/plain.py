"""Files that are not models: what little there is to say of programs, scripts and YAML."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.source import ByteSource

LARGEST_YAML = 8 * 1024 * 1024
_PYTHON_TAG = re.compile(rb"!!python/[\w/.:-]{1,80}|tag:yaml\.org,2002:python/[\w/.:-]{1,80}")


def judge_program(_: ByteSource, case: Case) -> None:
    case.add(
        "native-executable",
        Severity.MEDIUM,
        "The file is a compiled program or library; what it does cannot be told from here.",
    )


def judge_python(_: ByteSource, case: Case) -> None:
    case.add(
        "python-code",
        Severity.MEDIUM,
        "The file is Python source: it runs when it is imported, for instance with trust_remote_code.",
    )


def judge_script(_: ByteSource, case: Case) -> None:
    case.add("script-code", Severity.MEDIUM, "The file is a script; what it does is not judged yet.")


def judge_yaml(source: ByteSource, case: Case) -> None:
    text = source.read(0, LARGEST_YAML)
    found = _PYTHON_TAG.search(text)
    if found is not None:
        tag = found.group().decode()
        case.add(
            "yaml-python-tag",
            Severity.HIGH,
            f"The YAML asks for a Python object ({tag}), which an unsafe loader creates.",
            confidence=Confidence.LIKELY,
            line=text.count(b"\n", 0, found.start()) + 1,
            evidence={"tag": tag},
        )
    if source.size > LARGEST_YAML:
        case.leave_open(f"It is YAML of more than {LARGEST_YAML // 1024 // 1024} MiB.")

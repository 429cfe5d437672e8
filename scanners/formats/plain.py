"""Files that are not models: what little there is to say of programs and scripts."""

from __future__ import annotations

from scanners.case import Case
from scanners.finding import Severity
from scanners.source import ByteSource


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

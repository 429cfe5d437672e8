"""Zips that are packages: what their loader or installer runs, by what their manifests say.

TorchServe's .mar (`MAR-INF/MANIFEST.json` names a handler), eggs and wheels (`.pth` files and `setup.py` run), jars
(`Main-Class`), Python's zipapps (`__main__.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives.zip_member import Member, open_member
from scanners.source import ByteSource

_POWERS = re.compile(r"exec|eval|system|subprocess|popen|socket|urllib|requests|base64|open\(|marshal")
LARGEST_MANIFEST = 1024 * 1024
BUILT_IN_HANDLERS = frozenset(
    {"image_classifier", "image_segmenter", "object_detector", "text_classifier", "text_generator"}
)  # fmt: skip


def judge(source: ByteSource, members: Sequence[Member], case: Case) -> None:
    by_name = {member.name: member for member in members}
    if "MAR-INF/MANIFEST.json" in by_name:
        _judge_mar(source, by_name, case)
    if "META-INF/MANIFEST.MF" in by_name:
        manifest = _text(source, by_name["META-INF/MANIFEST.MF"], case)
        agent = re.search(r"^(?:Premain|Agent|Launcher-Agent)-Class: *(\S+)", manifest, re.MULTILINE)
        main = agent or re.search(r"^Main-Class: *(\S+)", manifest, re.MULTILINE)
        if main is not None:
            _runs(case, f"The jar names {main[1][:100]} as what Java runs.", main[1])
    if "__main__.py" in by_name:
        _runs(case, "The archive is an application of Python's: `python FILE` runs its `__main__.py`.", "__main__.py")
    if any(re.search(r"(?:^|/)(?:[^/]+\.dist-info/METADATA|EGG-INFO/PKG-INFO)\Z", name) for name in by_name):
        _runs(case, "The file is a package for Python: what it installs runs when it is imported.", "import")
    for name, member in by_name.items():
        if re.fullmatch(r"[^/]+\.pth", name) and any(".dist-info/" in other for other in by_name):
            _judge_pth(source, member, case)


def _judge_mar(source: ByteSource, by_name: dict[str, Member], case: Case) -> None:
    text = _text(source, by_name["MAR-INF/MANIFEST.json"], case)
    try:
        manifest = json.loads(text)
        model = manifest["model"]
        handler = str(model["handler"])
    except (ValueError, TypeError, KeyError, RecursionError):
        case.add("archive-malformed", Severity.MEDIUM, "The manifest of the TorchServe archive names no handler.")
        return
    if handler not in BUILT_IN_HANDLERS:
        _runs(
            case,
            f"TorchServe runs the archive's own handler, {handler[:100]!r}, when it loads the model.",
            handler,
        )
    if "requirementsFile" in model:
        _runs(case, "TorchServe may install the packages that the archive asks for.", str(model["requirementsFile"]))


def _judge_pth(source: ByteSource, member: Member, case: Case) -> None:
    lines = [line for line in _text(source, member, case).splitlines() if re.match(r"import[ \t]", line)]
    if lines:
        case.add(
            "archive-runs-code",
            Severity.HIGH if any(_POWERS.search(line) for line in lines) else Severity.MEDIUM,
            f"The package installs {member.name[:100]!r}, whose import lines run whenever Python starts.",
            evidence={"runs": lines[0][:200]},
        )


def _runs(case: Case, sentence: str, what: str) -> None:
    case.add("archive-runs-code", Severity.MEDIUM, sentence, evidence={"runs": what[:200]})


def _text(source: ByteSource, member: Member, case: Case) -> str:
    if member.size > LARGEST_MANIFEST:
        return ""
    try:
        content = open_member(source, member, [], case.meter.spend_unpacked)
    except BudgetSpent:
        raise
    except Unscannable:
        return ""
    return content.read(0, LARGEST_MANIFEST).decode("utf-8", "replace")

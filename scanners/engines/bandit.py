"""bandit (PyCQA, Apache-2.0): a second opinion on Python source.

It looks at single calls and knows neither when they run nor what a model needs, so it weighs little: beside our own
finding it is one voice more, alone it is a note.
"""

from __future__ import annotations

import io
import logging
import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from scanners.case import Case, CodeText
from scanners.finding import Confidence, Severity

LARGEST_TEXT = 256 * 1024
MOST_TEXTS = 16
MOST_SHOWN = 10

_SPEAK_OF_DANGER = frozenset(
    {
        "B102", "B103", "B104", "B301", "B302", "B307", "B310", "B312", "B313", "B321", "B323", "B401", "B402", "B501",
        "B502", "B506", "B507", "B601", "B602", "B604", "B605", "B606", "B609", "B611", "B614", "B701",
    }
)  # fmt: skip
"""Its tests that are about what code may do to its user; the others are about style and about servers."""


@cache
def bandit_version() -> str:
    """Its version, or `absent: <why>`. Imports it."""
    try:
        with warnings.catch_warnings():
            # How it finds its own plugins is not our matter.
            warnings.simplefilter("ignore")
            from bandit.core import config, manager  # noqa: F401

        logging.getLogger("bandit").setLevel(logging.CRITICAL)
        return version("bandit")
    except (ImportError, PackageNotFoundError) as error:
        return f"absent: {error}"[:200]


def ask(case: Case) -> dict[str, str]:
    """Asks it about every source of the case; notes its objections; says what became of it."""
    said = bandit_version()
    if not said.startswith("absent:"):
        troubles = {trouble for code in case.dossier.sources[:MOST_TEXTS] if (trouble := _ask_one(code, case))}
        if len(case.dossier.sources) > MOST_TEXTS:
            troubles.add(f"more than {MOST_TEXTS} sources")
        if troubles:
            said = f"{said}; not heard on every source: {', '.join(sorted(troubles))}"[:500]
    return {"bandit": said}


def _ask_one(code: CodeText, case: Case) -> str | None:
    """None when it was heard, else why not."""
    if len(code.text) > LARGEST_TEXT:
        return f"more than {LARGEST_TEXT // 1024} KiB"
    from bandit.core import config, manager

    try:
        asked = manager.BanditManager(config.BanditConfig(), "file", quiet=True)
        asked._parse_file("source.py", io.BytesIO(code.text.encode()), [])  # noqa: SLF001
        issues = [issue for issue in asked.results if issue.test_id in _SPEAK_OF_DANGER]
    # An engine that breaks on hostile code has no opinion; ours stands.
    except Exception as error:
        return f"it failed with {type(error).__name__}"
    if not issues:
        return None
    weight = {"LOW": Severity.LOW, "MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}
    worst = max((weight.get(issue.severity, Severity.LOW) for issue in issues), key=lambda severity: severity.rank)
    ours = code.worst if code.worst is not None else Severity.LOW
    most = min(ours, Severity.HIGH, key=lambda severity: severity.rank)
    sentences = sorted({f"{issue.test_id} {issue.test}: {issue.text}"[:200] for issue in issues})
    shown = sentences[0] + (f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else "")
    case.at(code.member).add(
        "second-opinion",
        min(worst, most, key=lambda severity: severity.rank),
        f"bandit objects: {shown}",
        confidence=Confidence.POSSIBLE if most is Severity.LOW else Confidence.LIKELY,
        line=issues[0].lineno,
        evidence={"objections": sentences[:MOST_SHOWN]},
        engine="bandit",
    )
    return None

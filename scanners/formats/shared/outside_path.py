"""Names of files that a model asks its loader to open: do they stay in the model's folder?"""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity

_LEADS_OUTSIDE = re.compile(
    r"^[/~]|^[A-Za-z]:|\\|(?:^|/)\.\.(?:/|$)|\0|^[A-Za-z][\w+.-]*://|%2e%2e|%2f|^\$", re.IGNORECASE
)
_LIBRARY = re.compile(r"\.(?:so(?:\.\d+)*|dll|dylib|pyd|exe)\Z", re.IGNORECASE)


def leads_outside(path: str) -> bool:
    """Absolute, with `..`, a drive, a backslash, an address, or something that a shell would fill in."""
    return _LEADS_OUTSIDE.search(path) is not None


def is_library(path: str) -> bool:
    return _LIBRARY.search(path.strip()) is not None


def judge_path(path: str, case: Case, what: str, *, offset: int | None = None) -> bool:
    """Notes a path that leads out; `what` begins the sentence, such as `The layer 'a' reads`."""
    if not leads_outside(path):
        return False
    case.add(
        "path-outside-model",
        Severity.HIGH,
        f"{what} {path[:100]!r}, outside the model's own folder.",
        offset=offset,
        evidence={"path": path[:200]},
    )
    return True

"""Second opinions: other scanners' views of the pickles that ours has read. (Engines follow.)"""

from __future__ import annotations

from scanners.case import Case


def load_engines() -> None:
    """Imports what is installed."""


def ask(_: Case) -> dict[str, str]:
    return {}

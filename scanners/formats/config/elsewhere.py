"""Code that a configuration takes from another repository of the Hub: which one, noted for people and for rules."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity

OTHER_REPOSITORY = re.compile(r"^([\w-][\w.-]{0,95}(?:/[\w-][\w.-]{0,95})?)--(.+)$")
"""As transformers writes it: `owner/name--module.Class`."""
WHOLE_REFERENCE = re.compile(r"^[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}--(?:[A-Za-z_]\w*\.){1,10}[A-Za-z_]\w*$")
HUB_ID = re.compile(r"^[\w-][\w.-]{0,95}/[\w.-]{1,96}(?:@[\w./-]+)?$")
MOST_REPOSITORIES = 1000


def take_code_from(repository: str, name: str, key: str, case: Case) -> None:
    """Notes that `name` is code of `repository` ("owner/name")."""
    _remember(repository, case)
    case.add(
        "remote-code",
        # Whose code it is, is for rules to say, and what it does for the scan of that repository: fine-tunes that are
        # saved again name the repository of their base like this.
        Severity.MEDIUM,
        f"The model takes its Python code from another repository, {repository[:100]!r}, whatever that holds by then.",
        evidence={"repository": repository, "name": name[:200], "key": key},
    )


def _remember(repository: str, case: Case) -> None:
    named = case.dossier.facts.get("code_from", [])
    if repository in named:
        return
    if len(named) >= MOST_REPOSITORIES:
        case.leave_open(f"It takes code from more than {MOST_REPOSITORIES:,} other repositories.")
        return
    case.fact("code_from", sorted([*named, repository]))

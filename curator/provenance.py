"""Where each setting was said, so that whoever wonders about one knows where to change it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

VARIABLE = "CURATOR_SAID_WHERE"
"""By which a server tells the processes that it starts, for it gives them all settings as variables."""


class Origin(StrEnum):
    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Said:
    """Where one was said."""

    origin: Origin
    where: str = ""
    """The option, the variable or the file; empty for the default."""


def said_where(
    names: Iterable[str],
    given: Collection[str],
    environment: Mapping[str, str],
    file: Path | None,
    in_file: Collection[str],
) -> dict[str, Said]:
    """Of each setting by its name. The first of command line, environment and file that says it counts.

    A variable that is empty says nothing; variables are told apart by no letter's case.
    """
    inherited = _read(environment.get(VARIABLE))
    variables = {name.lower() for name, value in environment.items() if value}
    found: dict[str, Said] = {}
    for name in names:
        if name in given:
            found[name] = Said(Origin.COMMAND_LINE, f"--{name.replace('_', '-')}")
        elif name in inherited:
            found[name] = inherited[name]
        elif f"curator_{name}" in variables:
            found[name] = Said(Origin.ENVIRONMENT, f"CURATOR_{name.upper()}")
        elif name in in_file:
            found[name] = Said(Origin.FILE, str(file))
        else:
            found[name] = Said(Origin.DEFAULT)
    return found


def as_variable(said: Mapping[str, Said]) -> dict[str, str]:
    """For the environment of a child process."""
    return {VARIABLE: json.dumps({name: [one.origin.value, one.where] for name, one in said.items()})}


def _read(text: str | None) -> dict[str, Said]:
    """What the parent process says; nothing where it says nothing that can be understood."""
    try:
        said = json.loads(text or "{}")
        return {str(name): Said(Origin(origin), str(where)) for name, (origin, where) in said.items()}
    except (ValueError, TypeError, AttributeError):
        return {}

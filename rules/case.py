"""The facts of one commit as conditions and expressions ask them: each is worked out once, for all rules."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

from rules.circumstances import Circumstances
from rules.facts import Facts, FileFacts
from rules.people import InForce, in_force
from rules.variables import FILE_VARIABLES, REPOSITORY_VARIABLES

MOST_SECONDS = 5.0
"""Of a processor for one commit; fifty rules take a thousandth of one. Rules that want more are not evaluated further,
and hold: neither whoever writes rules nor whoever publishes thousands of files can keep a mirror busy."""


@dataclass(frozen=True, eq=False)
class Case:
    """One commit before the rules."""

    facts: Facts
    circumstances: Circumstances
    _began: float = field(default_factory=time.thread_time)

    @property
    def is_over(self) -> bool:
        """Whether the rules have taken too long already. What others do on the machine does not count."""
        return time.thread_time() - self._began > MOST_SECONDS

    @cached_property
    def people(self) -> InForce:
        return in_force(self.circumstances, self.facts)

    @cached_property
    def unknown(self) -> frozenset[str]:
        """The groups of facts that could not be had."""
        return frozenset(self.facts.unknown)

    def age(self, moment: dt.datetime | None) -> dt.timedelta | None:
        """How long ago it was; None if nobody knows when it was."""
        return self.facts.observed_at - moment if moment is not None else None

    @cached_property
    def by_verdict(self) -> Mapping[str, Sequence[FileFacts]]:
        """The files, apart by what was found of them."""
        return _apart(self.facts.files, attrgetter("verdict"))

    @cached_property
    def by_role(self) -> Mapping[str, Sequence[FileFacts]]:
        """The files, apart by what they are for."""
        return _apart(self.facts.files, attrgetter("role"))

    @cached_property
    def by_format(self) -> Mapping[str, Sequence[FileFacts]]:
        """The files, apart by their format in small letters."""
        return _apart(self.facts.files, lambda file: file.format.lower())

    @cached_property
    def with_findings(self) -> tuple[FileFacts, ...]:
        return tuple(file for file in self.facts.files if file.findings)

    @cached_property
    def _values(self) -> dict[str, Any]:
        return {}

    def value(self, name: str) -> Any:
        """A fact about the repository, as an expression reads it."""
        known = self._values
        if name not in known:
            known[name] = REPOSITORY_VARIABLES[name].value(self.facts)
        return known[name]

    def values(self, names: tuple[str, ...], file: FileFacts | None) -> dict[str, Any]:
        """The facts of these names, as an expression reads them; those of a file only where there is one."""
        return {name: self.value(name) for name in names if name in REPOSITORY_VARIABLES} | file_values(names, file)


def _apart(files: Iterable[FileFacts], what: Callable[[FileFacts], str]) -> Mapping[str, Sequence[FileFacts]]:
    apart: dict[str, list[FileFacts]] = {}
    for file in files:
        apart.setdefault(what(file), []).append(file)
    return apart


def file_values(names: tuple[str, ...], file: FileFacts | None) -> dict[str, Any]:
    """The facts of a file among these names."""
    if file is None:
        return {}
    return {name: known.value(file) for name in names if (known := FILE_VARIABLES.get(name)) is not None}

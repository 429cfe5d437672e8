"""What a deed is weighed by and to: its moment and company, and the severity that follows."""

from __future__ import annotations

from dataclasses import dataclass

from scanners.finding import Severity
from scanners.formats.code.knowledge import Power
from scanners.formats.code.reach import Moment


@dataclass(frozen=True, slots=True)
class Weight:
    rule: str
    severity: Severity
    what: str
    """What it does, as the beginning of a sentence: `starts a program`."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of a deed: when it runs, and with what."""

    moment: Moment
    company: frozenset[Power]
    """The powers of all that runs together with it."""
    is_setup: bool = False
    is_notebook: bool = False
    in_model: bool = False
    """Inside of a class that a framework's loader makes: one that computes, and needs no token."""
    is_program: bool = False
    """By its name, people run it (`train.py`), and no library imports it."""

    def by_moment(self, at_import: Severity, in_use: Severity, asked: Severity) -> Severity:
        return {Moment.IMPORT: at_import, Moment.USE: in_use, Moment.ASKED: asked}[self.moment]

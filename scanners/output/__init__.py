"""How reports are written down: one module a format, each a pure function from what was scanned to a text."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module

from scanners.finding import Severity
from scanners.output.record import Scanned


class Style(StrEnum):
    """Each is the name of a module here with a function `render`."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"

    @property
    def names_content(self) -> bool:
        """Whether it has a place for the hash of a file."""
        return self in (Style.JSON, Style.SARIF)


def render(style: Style, scanned: Sequence[Scanned], *, fail_on: Severity, quiet: bool = False) -> str:
    """The text, without a line feed at its end; `quiet` leaves safe files out where people read it."""
    name = "document" if style is Style.JSON else style.value
    text: str = import_module(f"scanners.output.{name}").render(scanned, fail_on=fail_on, quiet=quiet)
    return text

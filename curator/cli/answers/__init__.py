"""How the answers of `curator check` are written down: one module a format, each a function from answers to a text."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module

from curator.cli.answers.record import Answers


class Style(StrEnum):
    """Each is the name of a module here with a function `render`."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


def render(style: Style, answers: Answers, *, quiet: bool = False) -> str:
    """The text, without a line feed at its end; `quiet` leaves out what is allowed where people read it."""
    name = "document" if style is Style.JSON else style.value
    text: str = import_module(f"curator.cli.answers.{name}").render(answers, quiet=quiet)
    return text

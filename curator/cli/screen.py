"""What a command may do with the place where its text is read: how wide that is, and whether it shows colours."""

from __future__ import annotations

import os
import shutil
import sys

from curator.admission.explained import WIDTH
from curator.admission.explained.page import PLAIN, Paint, Tone
from curator.cli.careful import painted

_CODES = {Tone.GOOD: "1;32", Tone.BAD: "1;31", Tone.DOUBT: "1;33", Tone.HEAD: "1"}
_WIDEST = 120
"""Longer lines are hard to read, however wide a window is."""


def width() -> int:
    """Letters in a line: those of the terminal, if it is one."""
    return min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else WIDTH


def paint() -> Paint:
    """Colours for a terminal that shows them (https://no-color.org), and for nobody else."""
    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return PLAIN if plain else _painted


def _painted(text: str, tone: Tone) -> str:
    return painted(text, _CODES[tone])

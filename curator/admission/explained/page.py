"""Lines of text for a terminal or a plain page: wrapped, indented, and safe to show whatever is in them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from enum import StrEnum

from scanners.files import printable

LEAST_WIDTH = 40


class Tone(StrEnum):
    """What a word means to the reader, for those who show it in colour."""

    GOOD = "good"
    BAD = "bad"
    DOUBT = "doubt"
    HEAD = "head"


Paint = Callable[[str, Tone], str]


def PLAIN(text: str, tone: Tone) -> str:  # noqa: N802 - it stands for a value
    """No colour."""
    del tone
    return text


class Page:
    """Gathers lines."""

    def __init__(self, width: int, paint: Paint) -> None:
        self._width = max(width, LEAST_WIDTH)
        self._paint = paint
        self._lines: list[str] = []

    def head(self, text: str) -> None:
        """The beginning of a part."""
        self._lines += ["", self._paint(text, Tone.HEAD)]

    def say(self, text: str, indent: int = 2, *, hang: int = 0, word: str = "", tone: Tone | None = None) -> None:
        """A paragraph; its other lines begin `hang` further in. `word`, if there is one, stands in front of it."""
        before = f"{word} " if word else ""
        lines = textwrap.wrap(
            printable(before + " ".join(text.split())),
            self._width,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_long_words=False,
            break_on_hyphens=False,
        )
        if word and tone is not None and lines:
            start = " " * indent + word
            lines[0] = " " * indent + self._paint(word, tone) + lines[0].removeprefix(start)
        self._lines += lines

    def command(self, text: str, indent: int) -> None:
        """What one may copy into a shell, also where it takes several lines."""
        lines = textwrap.wrap(
            printable(text),
            self._width - 2,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
        self._lines += [f"{line} \\" for line in lines[:-1]] + lines[-1:]

    def blank(self) -> None:
        self._lines.append("")

    def text(self) -> str:
        """All of it, with a line feed at its end."""
        return "\n".join(self._lines).strip("\n") + "\n"

"""Standard output and error, through which no text reaches a terminal that acts on it.

What commands print comes from the Hub, from other people and from a server that may be anybody's. Letters that move the
cursor, colour, link, retitle or turn a line around are written by their number, whichever command forgot to, and no
line is a command to the build that it stands in the log of. Line ends and tabs pass, and what our own words are painted
with: it has a mark of this process, which nobody else can know.
"""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TextIO

_MARK = os.urandom(8).hex()
_PAINTED = re.compile(f"\x1b{_MARK}\\[([0-9;]{{1,8}})m")
_ACTED_ON = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_WIPE = re.compile("\r(?:\x1b\\[K)?")
"""What a line of progress begins with. Of what is printed at the start of a line, it wipes nothing away."""
_COMMAND = re.compile(r"^([^\S\n]*)(?=::|##(?:vso)?\[)", re.MULTILINE)
"""A line that GitHub Actions or Azure Pipelines would do what it says; none of ours is one."""


def painted(text: str, code: str) -> str:
    """The text in a colour of the terminal, for one that is printed here."""
    return f"\x1b{_MARK}[{code}m{text}\x1b{_MARK}[0m"


def shown(text: str) -> str:
    """The text as a terminal may have it."""
    if text.isascii() and text.isprintable() and not text.startswith((":", "#", " ")):
        return text
    wiped = _WIPE.match(text)
    start = wiped.end() if wiped is not None else 0
    parts, at = [text[:start]], start
    for found in _PAINTED.finditer(text, start):
        parts += [_ACTED_ON.sub(_numbered, text[at : found.start()]), f"\x1b[{found[1]}m"]
        at = found.end()
    return _COMMAND.sub(r"\1\\", "".join([*parts, _ACTED_ON.sub(_numbered, text[at:])]))


def be_careful() -> None:
    """From now on, for what this process prints."""
    sys.stdout, sys.stderr = _Careful(sys.stdout), _Careful(sys.stderr)


def _numbered(found: re.Match[str]) -> str:
    return found[0].encode("unicode-escape").decode("ascii")


class _Careful(io.TextIOBase):
    """A text stream in front of another."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        self._stream.write(shown(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()

    def __del__(self) -> None:
        """The stream behind it stays open for those who have it, when nobody has this one any more."""

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def buffer(self) -> io.BufferedIOBase:
        """For whoever writes bytes that are no text, such as an archive."""
        return self._stream.buffer  # type: ignore[return-value]

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._stream.errors

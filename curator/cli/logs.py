"""Log lines on stderr: time, level, part, what happened.

What happened may quote what strangers sent. A line of the log stays one line, so that none can be forged; whoever reads
it at a terminal sees letters and no control of it; and no secret is in it.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from types import TracebackType

from curator.redaction import without_secrets

_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Lines(logging.Formatter):
    """One line each; a traceback's lines follow, further in."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name in the standard library
        return _shown(super().formatMessage(record))

    def formatException(self, ei: _Raised) -> str:  # noqa: N802 - its name in the standard library
        # Of an exception's message, which may be anything, no line looks like one of ours.
        return "\n".join(f"  {_shown(line)}" for line in super().formatException(ei).split("\n"))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - its name in the standard library
        return "\n".join(f"  {_shown(line)}" for line in stack_info.split("\n"))


def configure(*, quiet: bool) -> None:
    """One handler for everything; `quiet` keeps only what is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    logging.Formatter.converter = time.gmtime
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if quiet else logging.INFO)
    for chatty in ("alembic", "celery", "kombu", "aiohttp", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _shown(text: str) -> str:
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], without_secrets(text))

"""Log lines on stderr: time, level, part, what happened."""

from __future__ import annotations

import logging
import sys
import time


def configure(*, quiet: bool) -> None:
    """One handler for everything; `quiet` keeps only what is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    logging.Formatter.converter = time.gmtime
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if quiet else logging.INFO)
    for chatty in ("alembic", "celery", "kombu", "aiohttp", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

"""Processes that end with the one that started them."""

from __future__ import annotations

import os
import signal
import threading
import time

# A `serve` that was killed and is started again finds its port free.
_LOOK_EVERY_S = 0.1


def end_with(parent: int | None) -> None:
    """Stop, as on SIGTERM, when the process that started this one is gone, however it went."""
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)

"""`curator worker`: scans and judges until told to stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from curator.cli import logs
from curator.settings import Settings
from curator.tasks import run_worker

_LOOK_EVERY_S = 1.0


def run(config: Path | None, *, quiet: bool, parent: int | None) -> None:
    settings = Settings.load(config)
    logs.configure(quiet=quiet)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    run_worker(settings)


def _end_with(parent: int) -> None:
    """Stop when the process that started this one is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)

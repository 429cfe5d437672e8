"""`curator worker`: scans and judges until told to stop."""

from __future__ import annotations

import gc
from pathlib import Path

from curator.cli import logs
from curator.cli.parent import end_with
from curator.settings import Settings
from curator.tasks import run_worker


def run(config: Path | None, *, quiet: bool, parent: int | None) -> None:
    # What was imported is no garbage, and is looked through no more.
    gc.freeze()
    settings = Settings.load(config)
    logs.configure(quiet=quiet)
    end_with(parent)
    run_worker(settings)

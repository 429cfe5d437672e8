"""`curator worker`: scans and judges until told to stop."""

from __future__ import annotations

from pathlib import Path

from curator.cli import logs
from curator.cli.garbage import loaded
from curator.settings import Settings
from curator.tasks import run_worker


def run(config: Path | None, *, quiet: bool) -> None:
    loaded()
    settings = Settings.load(config)
    logs.configure(quiet=quiet)
    run_worker(settings)

"""`curator serve-beside`: what `serve` starts to answer with several processes; of no use by hand."""

from __future__ import annotations

import asyncio
import socket

from curator.cli import logs
from curator.cli.garbage import loaded
from curator.cli.server import serve
from curator.settings import Settings


def run(listener: int, *, quiet: bool) -> None:
    loaded()
    settings = Settings.load(None)
    logs.configure(quiet=quiet)
    with socket.socket(fileno=listener) as shared:
        asyncio.run(serve(settings, shared, lambda: None, watches=False))

"""Has the record verified beside the server, in a process of its own that keeps no answer waiting."""

from __future__ import annotations

import asyncio
import os
import sys

from curator.settings import Settings


class Verifying:
    """One at a time, in one server process; how it ended stands in the database (`verify.last_result`)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._running is not None and not self._running.done()

    def begin(self) -> bool:
        """Returns whether it began now; False if one is under way."""
        if self.running:
            return False
        self._running = asyncio.create_task(self._run())
        return True

    async def close(self) -> None:
        """End what is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "curator.cli", "audit", "verify", "--quiet"),
            env=os.environ | self._settings.as_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            preexec_fn=_quietly,
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _quietly() -> None:
    os.nice(10)

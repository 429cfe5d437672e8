"""The inside of the jail: a process that knows all judges and forks one child for each scan.

It starts children because a fork of a warm interpreter costs milliseconds where a new one costs half a second; and it
is a process of its own because forking a server or a worker, with its threads and connections, is not safe.
A child has its limits set before it reads a byte. It opens nothing: all it may have is one socket to its keeper.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import pickle
import pkgutil
import shutil
import signal
import socket
import sys
import tempfile
from typing import Any

from scanners import jail_protocol as protocol
from scanners.budget import Budget
from scanners.confinement import PR_SET_NO_NEW_PRIVS, confine
from scanners.finding import Report
from scanners.source import SourceUnavailable

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
CODECS = (
    "ascii", "cp437", "latin-1", "raw-unicode-escape", "unicode-escape", "utf-16", "utf-8", "utf-8-sig", "utf-32",
    # those of source code, and those that code hides behind
    "utf-7", "cp1252", "iso8859-15", "gbk", "gb2312", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp949",
    "koi8-r", "cp1251", "iso8859-2", "cp932", "rot13", "hex", "base64", "utf-16-le", "utf-16-be",
    # What the JSON parser takes bytes for.
    "utf-32-be", "utf-32-le", "cp037",
)  # fmt: skip
CODE = b"import os\n\n\ndef warm(text):\n    return eval(text)\n"
LIBRARIES = ("zstandard", "lz4.frame", "bcj")
"""What judges import when they first need it."""
DATA_FD = 3
"""Where a child has its only connection; 0 to 2 are /dev/null."""


class KeeperSource:
    """The file, read by asking the keeper."""

    def __init__(self, connection: socket.socket, size: int) -> None:
        self._connection = connection
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        parts: list[bytes] = []
        while length > 0:
            step = min(length, protocol.LARGEST_READ)
            protocol.send(self._connection, protocol.ASK, protocol.pack_ask(offset, step))
            kind, data = protocol.receive(self._connection, protocol.LARGEST_READ)
            if kind != protocol.BYTES:
                raise SourceUnavailable("The keeper cannot have the bytes.")
            if not data:
                break
            parts.append(data)
            offset += len(data)
            length -= len(data)
        return b"".join(parts)


def main() -> None:
    """Serves the keeper on the socket whose number is the last argument, until it goes away."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    control.set_inheritable(False)
    leave_the_network()
    warm_up()
    folder = tempfile.mkdtemp(prefix="curator-jail-")
    os.chdir(folder)
    children: dict[int, int | None] = {}
    """Process id to its exit status; None while it runs."""
    control.sendall(b"+")
    try:
        while True:
            message, fds, _, _ = socket.recv_fds(control, 65536, 1)
            if not message:
                return
            request: dict[str, Any] = json.loads(message)
            if "scan" in request:
                pid = start(control, request["scan"], fds[0])
                children[pid] = None
                answer = {"pid": pid}
            else:
                answer = {"status": end(int(request["end"]), children)}
            for fd in fds:
                os.close(fd)
            control.sendall(json.dumps(answer).encode() + b"\n")
    finally:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)


def leave_the_network() -> None:
    """Into an empty network namespace, where the kernel lets us; the children are born in it."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWNET)


def warm_up() -> None:
    """Loads all that a scan may need: a child can open no file, so it can import nothing."""
    # Hardly any of it is garbage, and looking for that would take a tenth of the time.
    gc.disable()
    from scanners import formats, repository, signatures
    from scanners.engines.interface import engines
    from scanners.formats.second_look import texts_that_need_everything
    from scanners.scan import scan
    from scanners.signatures.encodings import CODECS as OLD_ENCODINGS
    from scanners.source import MemorySource

    for package in (formats, repository, signatures):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for name in (*CODECS, *OLD_ENCODINGS):
        # Looked up, since text is encoded in the common ones without loading what decodes them piece by piece.
        codecs.lookup(name)
    for name in LIBRARIES:
        importlib.import_module(name)
    engines()
    # One harmless and one broken pickle through everything: what is imported late is imported now.
    for content in (pickle.dumps({"a": [1, b"x"]}, 2), pickle.dumps(io.BytesIO), b"\x80\x02cos\nsystem\n", b"{}", CODE):
        scan(MemorySource(content), "warm")
    for name, content in texts_that_need_everything().items():
        scan(MemorySource(content), name)
    gc.freeze()
    gc.enable()


def start(control: socket.socket, request: dict[str, Any], fd: int) -> int:
    """Forks the child of one scan; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    # A forked child must never return into its parent's loop, whatever happens.
    try:
        os.setsid()
        control.detach()
        os.dup2(fd, DATA_FD)
        os.closerange(DATA_FD + 1, 4096)
        confine(request["limits"]["memory_bytes"], request["limits"]["cpu_s"])
        serve(socket.socket(fileno=DATA_FD), request)
        status = 0
    finally:
        os._exit(status)


def serve(connection: socket.socket, request: dict[str, Any]) -> None:
    """Scans and says the report."""
    from scanners.scan import scan

    source = KeeperSource(connection, int(request["size"]))

    def say_early(report: Report) -> None:
        protocol.send(connection, protocol.EARLY, json.dumps(report.as_json()).encode())

    try:
        report = scan(
            source,
            request["name"],
            engines=request["engines"],
            budget=Budget(**request["budget"]),
            before_engines=say_early,
        )
    except (SourceUnavailable, protocol.Gone):
        return
    protocol.send(connection, protocol.DONE, json.dumps(report.as_json()).encode())


def end(pid: int, children: dict[int, int | None]) -> int:
    """Kills the child if it still runs; returns how it ended, as `os.waitstatus_to_exitcode` says it."""
    if pid not in children:
        return 0
    del children[pid]
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)

"""The command line, loaded once: each `curator` that a test runs is a process of its own, forked from that one.

To load it takes half a second of a processor and more, and most commands do nothing for longer. That a command starts
by itself is seen where one is run as users do (`tests/contract/test_readme.py`, `test_commands.py`).
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

_LARGEST = 1 << 17
"""Bytes of a request: words and variables."""
_ROOT = Path(__file__).parents[2]


def run(
    words: list[str], variables: dict[str, str], stdin: str = "", timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """What `curator` with these words does where only these variables are set, and in the folder of now."""
    loaded, _ = _loaded(os.getpid())
    reading, writing = os.pipe()
    with (
        os.fdopen(reading) as answer,
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(stdin.encode())
        given.seek(0)
        with os.fdopen(writing):
            asked = json.dumps([words, variables, str(Path.cwd())]).encode()
            socket.send_fds(loaded, [asked], [given.fileno(), out.fileno(), err.fileno(), writing])
        pid = int(answer.readline())
        if not select.select([answer], [], [], timeout_s)[0]:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(words, timeout_s)
        code = int(answer.readline())
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return subprocess.CompletedProcess(words, code, *said)


@cache
def _loaded(_for: int) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Where that process is asked, and it; it ends with whoever asks."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.contract.loaded", str(theirs.fileno())]
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("CURATOR_", "HF_"))}
        process = subprocess.Popen(
            command, cwd=_ROOT, env=variables, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
    return ours, process


def _load() -> None:
    import curator.cli

    for module in pkgutil.iter_modules(curator.cli.__path__):
        if module.name != "__main__":
            importlib.import_module(f"curator.cli.{module.name}")


def _serve(asked: socket.socket) -> bool:
    """Fork for each request until nobody asks any more. True in a fork, which is to be the command."""
    running: dict[int, tuple[int, int]] = {}
    """By what tells of its end: a command's id, and whither to say what it ended with."""
    with selectors.DefaultSelector() as events:
        events.register(asked, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.fd in running:
                    events.unregister(key.fd)
                    pid, answer = running.pop(key.fd)
                    _, status = os.waitpid(pid, 0)
                    with contextlib.suppress(BrokenPipeError):
                        os.write(answer, f"{os.waitstatus_to_exitcode(status)}\n".encode())
                    os.close(answer)
                    os.close(key.fd)
                    continue
                request, fds, *_ = socket.recv_fds(asked, _LARGEST, 4)
                if not request:
                    return False
                pid = os.fork()
                if not pid:
                    words, variables, folder = json.loads(request)
                    _become(words, variables, folder, fds)
                    return True
                os.write(fds[3], f"{pid}\n".encode())
                for fd in fds[:3]:
                    os.close(fd)
                end = os.pidfd_open(pid)
                running[end] = (pid, fds[3])
                events.register(end, selectors.EVENT_READ)


def _become(words: list[str], variables: dict[str, str], folder: str, fds: list[int]) -> None:
    for number, fd in enumerate(fds[:3]):
        os.dup2(fd, number)
    # What the loaded process has open is not the command's.
    os.closerange(3, max(int(fd) for fd in os.listdir("/proc/self/fd")) + 1)  # noqa: PTH208
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    sys.argv = ["curator", *words]


def _end() -> None:
    """Be the command to its end, all but the taking apart of a loaded interpreter, which costs as much again."""
    from curator.cli import main

    code: object = None
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # type: ignore[attr-defined] # Waits for threads, as the interpreter does.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _load()
    gc.freeze()
    if _serve(socket.socket(fileno=int(sys.argv[1]))):
        _end()

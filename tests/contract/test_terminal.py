"""At a terminal, a token is asked for, not shown, and kept; whoever changes his mind gets no traceback."""

from __future__ import annotations

import os
import pty
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from curator.database.engine import Database

TOKEN = "hf_typed_at_a_terminal_0123456789"
PROMPT = b"Token for meta-llama/* (not shown): "


def at_a_terminal(data: Path, typed: bytes) -> tuple[int, bytes]:
    """`curator upstream-token add` with a terminal of its own: how it ends, and all that is seen there."""
    pid, terminal = pty.fork()
    if pid == 0:
        command = [sys.executable, "-m", "curator.cli", "upstream-token", "add", "meta-llama/*", "--data", str(data)]
        os.execv(command[0], command)
    seen = b""
    deadline = time.monotonic() + 60
    try:
        while PROMPT not in seen:
            assert time.monotonic() < deadline, seen
            seen += os.read(terminal, 1000)
        os.write(terminal, typed)
        while chunk := os.read(terminal, 1000):
            seen += chunk
    except OSError:
        # The other end of the terminal is gone (EIO), and with it the command.
        pass
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Of a mirror that was started once."""
    folder = tmp_path / "data"
    folder.mkdir()
    Database(f"sqlite:///{folder}/curator.db").migrate()
    return folder


def test_a_token_is_asked_for_and_never_shown(data: Path) -> None:
    code, seen = at_a_terminal(data, f"{TOKEN}\n".encode())
    assert code == 0, seen
    assert b"The upstream is asked for meta-llama/* with this token from now on." in seen
    assert TOKEN.encode() not in seen
    with sqlite3.connect(data / "curator.db") as connection:
        ((actor, repo, sentence),) = connection.execute(
            "SELECT actor, repo, sentence FROM audit WHERE action = 'upstream-token'"
        )
    assert actor.startswith("administrator ")
    assert (repo, sentence) == ("meta-llama/*", "A token for meta-llama/* is kept")
    for file in data.iterdir():
        assert TOKEN.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("key", "ends_with", "said"),
    [(b"\x03", 130, b""), (b"\x04", 2, b"nothing like it was given"), (b"\n", 2, b"nothing like it was given")],
)
def test_whoever_types_no_token_changes_nothing(data: Path, key: bytes, ends_with: int, said: bytes) -> None:
    code, seen = at_a_terminal(data, key)
    assert code == ends_with
    assert said in seen
    assert b"Traceback" not in seen
    assert not (data / "secret.key").exists()

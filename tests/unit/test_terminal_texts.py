"""Whatever strangers wrote, a terminal that shows what a command prints has nothing to act on but our own words."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli import careful

HOSTILE = (
    "a\x1b[2J\x1b[H\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\\\click\x1b]52;c;cm0gLXJm\x07\x9b31m\x9d8;;x\x9c"
    "\r\x1b[K\x1b[8mhidden\x1b[0m\u202egnp\u2066x\u200f\x08\x7f\x1b[1;32mALLOWED\x1b[0m\n::set-env name=x::y"
)
OURS = re.compile(r"\r?\x1b\[(?:K|0m|1m|1;3[123]m)")


@given(st.text())
def test_no_letter_that_a_terminal_acts_on_is_left(text: str) -> None:
    shown = careful.shown(text)
    start = careful._WIPE.match(shown)
    rest = shown[start.end() :] if start is not None else shown
    assert careful._ACTED_ON.search(rest) is None
    assert re.search(r"(?m)^\s*(::|##\[)", shown) is None
    if text.isprintable() and not text.strip().startswith(("::", "##[", "##vso[")):
        assert shown == text


def test_what_we_paint_is_painted_and_what_looks_like_it_is_not() -> None:
    assert careful.shown(f"{careful.painted('BLOCKED', '1;31')} by x") == "\x1b[1;31mBLOCKED\x1b[0m by x"
    assert careful.shown("x \x1b[1;31mBLOCKED\x1b[0m") == "x \\x1b[1;31mBLOCKED\\x1b[0m"
    assert careful.shown("\x1b00112233445566778[1;31mx") == "\\x1b00112233445566778[1;31mx"
    assert careful.shown("\N{FAMILY} \N{WOMAN}\N{ZERO WIDTH JOINER}\N{MAN} \t é\n").endswith("\t é\n")


class _Anybody(BaseHTTPRequestHandler):
    """A server that may be anybody's."""

    def do_GET(self) -> None:
        import json

        body = json.dumps({"error": HOSTILE, "exit_code": 2}).encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815 - as the standard library calls them

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def anybody() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Anybody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def at_a_terminal(words: list[str], folder: Path, variables: Mapping[str, str] = MappingProxyType({})) -> str:
    """What is seen there, of a command."""
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CURATOR_", "HF_"))}
    environment |= {"TERM": "xterm-256color", "PYTHONPATH": str(Path.cwd())} | dict(variables)
    command = [sys.executable, "-m", "curator.cli", *words]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""
    try:
        while chunk := os.read(master, 65_536):
            seen += chunk
    except OSError:
        pass
    finally:
        os.close(master)
    process.wait(60)
    return seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("words", [["review", "list"], ["rules", "explain", "acme/x"], ["check", "acme/x"]])
def test_a_server_that_is_anybodys_moves_no_cursor(words: list[str], anybody: str, tmp_path: Path) -> None:
    seen = at_a_terminal([*words, "--server", anybody], tmp_path)
    assert "hidden" in seen
    assert not re.search(r"(?m)^\s*::", seen)
    assert careful._ACTED_ON.search(OURS.sub("", seen)) is None


@pytest.mark.parametrize("form", ["table", "markdown", "sarif", "junit", "json"])
def test_nor_do_the_names_and_texts_of_files_that_are_scanned(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    for name in ("a\x1b[2J\x1b]0;t\x07\u202e.pkl", "::error::x\n::set-env name=x::y.pkl", "\x9b31m.bin"):
        (folder / name).write_bytes(b"cos\x1b]0;t\x07\nsystem\n(S'echo \x1b[2J'\ntR.")
    seen = at_a_terminal(["scan", str(folder), "--format", form, "--no-second-opinions"], tmp_path)
    assert len(seen) > 100
    assert careful._ACTED_ON.search(OURS.sub("", seen)) is None
    assert not re.search(r"(?m)^::", seen)

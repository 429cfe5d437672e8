"""A receiver that is after our threads: many addresses, and a handshake that never ends."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from curator.notify import posting
from curator.notify.addresses import Place
from curator.notify.posting import NoAnswer, post


@pytest.fixture
def dripping() -> Iterator[tuple[int, list[float]]]:
    """A server that answers a handshake with one byte every 50 ms of a record that is long; its port, and when who
    came."""
    listener = socket.create_server(("127.0.0.1", 0))
    came: list[float] = []

    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")
            while True:
                connection.sendall(b"\x00")
                time.sleep(0.05)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                came.append(time.monotonic())
                threading.Thread(target=drip, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], came
    listener.close()


def test_a_handshake_that_comes_a_letter_at_a_time_keeps_no_thread(
    dripping: tuple[int, list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "_WHOLE_S", 1.0)
    port, came = dripping
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        post(Place(True, "hooks.example", port, "/"), ["127.0.0.1"] * 50, {}, b"{}", ssl.create_default_context())
    assert time.monotonic() - began < 4
    assert 1 <= len(came) <= posting._MOST_ADDRESSES


def test_of_many_addresses_few_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def refused(address: object, timeout: float) -> socket.socket:
        tried.append((address, timeout))
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refused)
    addresses = [f"203.0.113.{last}" for last in range(1, 255)]
    with pytest.raises(NoAnswer, match="refused"):
        post(Place(True, "hooks.example", 443, "/"), addresses, {}, b"{}", ssl.create_default_context())
    assert len(tried) == posting._MOST_ADDRESSES

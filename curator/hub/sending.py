"""An answer onto the wire: small ones in one message, files handed to the kernel where the transport allows it.

ASGI has no way to send a file, nor an answer that is ready as it stands. `WireProtocol` gives the application one, in
the request's scope; under another server the same goes by ASGI's messages, and where the kernel cannot send a file, as
under TLS, it is read and sent in chunks of 1 MiB.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from starlette.types import Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from curator.errors import CuratorError
from curator.hub.answer import Answer, messages_of
from curator.store.fill import Span
from curator.store.reading import bring_into_memory, read_open_file

log = logging.getLogger(__name__)

_EXTENSION = "curator.wire"
_WINDOW_BYTES = 16 << 20
_FULL_PAUSE_S = 0.01
_SLICE_BYTES = 512 << 10
"""What one of several connections is given at a time. Measured: eight that take turns at this size move a fifth more
than eight that are given as much as goes in, for the kernel wakes their readers less often."""
_CORK = getattr(socket, "TCP_CORK", None)
_LONG_BYTES = 256 << 20
"""A span that is corked. Measured (benchmarks: cached_file): 2 GiB come 1.2 to 1.5 times as fast, 64 MiB 0.7 times."""
_WORTH_IT_BYTES = 64 << 10
"""Below this, a write of bytes costs less than what asyncio does around sendfile."""


class WireProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which gives each request its `Wire`."""

    def on_headers_complete(self) -> None:
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            # The task that answers was made, and runs only when we are done here.
            scope: dict[str, Any] = cast("dict[str, Any]", self.scope)
            scope["extensions"] = {_EXTENSION: Wire(self.cycle, self.loop, kernel_sends=self.scheme == "http")}


class Wire:
    """The connection under one response, for what ASGI has no messages for."""

    __slots__ = ("_cycle", "_loop", "_out", "kernel_sends")

    def __init__(self, cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop, *, kernel_sends: bool) -> None:
        self._cycle = cycle
        self._loop = loop
        self._out: socket.socket | None = None
        self.kernel_sends = kernel_sends
        """Whether files can be handed to the kernel: not where each byte must be encrypted first."""

    async def send_span(self, span: Span) -> None:
        """Send a part of a file, after the headers. Raises `ConnectionError` when the client is gone.

        asyncio's own `sendfile` makes the same calls, and takes the connection out of its selector and puts it back for
        each; ours is there under a second number for as long as the response takes.
        """
        cycle = self._cycle
        while cycle.transport.get_write_buffer_size():
            # The headers, to a client that does not read: a moment later there is room, or it is gone.
            await asyncio.sleep(_FULL_PAUSE_S)
            self._check_client()
        self._check_client()
        # uvicorn counts what is sent, to hold the application to the length it announced.
        if span.length > cycle.expected_content_length:
            raise RuntimeError("more bytes than announced")
        cycle.expected_content_length -= span.length
        if self._out is None:
            self._out = cycle.transport.get_extra_info("socket").dup()
        await _Pump(self._loop, self._out, span).run()

    @contextlib.contextmanager
    def corked(self) -> Iterator[None]:
        """Let only full segments go out in the meantime.

        asyncio tells each socket to delay nothing, so that sixteen pages of a file, which is what the kernel takes at a
        time, would make a segment. What is left at the end goes out at once (tcp(7), TCP_CORK).
        """
        sock = self._cycle.transport.get_extra_info("socket")
        if _CORK is None or sock is None or sock.family not in {socket.AF_INET, socket.AF_INET6}:
            yield
            return
        try:
            sock.setsockopt(socket.IPPROTO_TCP, _CORK, 1)
            yield
        finally:
            # A connection that is closed has no number any more.
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, _CORK, 0)

    def _check_client(self) -> None:
        if self._cycle.disconnected or self._cycle.transport.is_closing():
            raise ConnectionResetError("the client is gone")

    def close(self) -> None:
        """Let go of the connection's second number, and of the request, which holds the wire: what holds each other
        stays until the garbage collection, and that stops all answers for some milliseconds."""
        self._cycle.scope.get("extensions", {}).pop(_EXTENSION, None)
        if self._out is not None:
            self._out.close()
            self._out = None

    async def send_whole(self, whole: Whole) -> None:
        """Send a response that is ready to the last byte but for its date, in one write."""
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        cycle.transport.write(self._head(whole) + whole.body)
        self.close()
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

    def begin(self, whole: Whole, length: int) -> None:
        """Send the head of a response whose body, of this length, follows in spans."""
        if not self._cycle.disconnected:
            self._cycle.expected_content_length, self._cycle.chunked_encoding = length, False
            self._cycle.transport.write(self._head(whole))

    def _head(self, whole: Whole) -> bytes:
        cycle = self._cycle
        cycle.response_started, cycle.waiting_for_100_continue = True, False
        parts = [whole.status_line]
        for name, value in cycle.default_headers:
            parts += (name, b": ", value, b"\r\n")
        parts += (whole.headers, b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        return b"".join(parts)


class _Pump:
    """Moves a span into a socket that does not block, whenever there is room."""

    __slots__ = ("_done", "_fd", "_in", "_left", "_loop", "_offset", "_out")

    at_work: ClassVar[int] = 0
    """How many there are in this process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, out: socket.socket, span: Span) -> None:
        self._loop = loop
        self._out = out
        self._fd = out.fileno()
        self._in = span.fd
        self._offset = span.offset
        self._left = span.length
        self._done: asyncio.Future[None] = loop.create_future()

    async def run(self) -> None:
        _Pump.at_work += 1
        try:
            self._move()
            if self._done.done():
                # Others get their turn also where there is always room.
                await asyncio.sleep(0)
            else:
                self._loop.add_writer(self._fd, self._move)
            await self._done
        finally:
            self._loop.remove_writer(self._fd)
            _Pump.at_work -= 1

    def _move(self) -> None:
        """Send what goes in now."""
        if self._done.done():
            return
        count = min(self._left, _SLICE_BYTES) if _Pump.at_work > 1 else self._left
        try:
            sent = os.sendfile(self._fd, self._in, self._offset, count)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._done.set_exception(error)
            return
        if sent == 0:
            self._done.set_exception(EOFError(f"the file ends at {self._offset}"))
            return
        self._offset += sent
        self._left -= sent
        if self._left == 0:
            self._done.set_result(None)


@dataclass(frozen=True, slots=True)
class Whole:
    """A response as it goes over the wire, less what the connection adds to it."""

    status_line: bytes
    headers: bytes
    body: bytes


def whole_of(answer: Answer, method: str) -> Whole:
    """An answer whose body is at hand, for HEAD without it."""
    start, end = messages_of(answer, method)
    if any(letter in value for _, value in start["headers"] for letter in b"\r\n\0"):
        raise ValueError("a header has more than one line")
    lines = b"".join(b"%s: %s\r\n" % (name.lower(), value) for name, value in start["headers"])
    return Whole(STATUS_LINE[start["status"]], lines, end["body"])


async def send_whole(whole: Whole, scope: Scope, send: Send) -> None:
    """Send it over our own wire, or as ASGI's messages over another server's."""
    wire: Wire | None = (scope.get("extensions") or {}).get(_EXTENSION)
    if wire is not None:
        await wire.send_whole(whole)
        return
    pairs = [line.split(b": ", 1) for line in whole.headers.splitlines()]
    status = int(whole.status_line.split(b" ")[1])
    await send({"type": "http.response.start", "status": status, "headers": [(name, value) for name, value in pairs]})
    await send({"type": "http.response.body", "body": whole.body})


async def send_answer(answer: Answer, scope: Scope, send: Send) -> int:
    """Send the answer; returns the bytes of the body that went out.

    A body that fails in the middle is broken off: its length never matches, so no client takes it for whole.
    """
    whole = whole_of(answer, scope["method"])
    if isinstance(answer.body, bytes):
        await send_whole(whole, scope, send)
        return len(whole.body)
    wire: Wire | None = (scope.get("extensions") or {}).get(_EXTENSION)
    if wire is not None:
        wire.begin(whole, int(answer.headers["Content-Length"]))
    else:
        await send(messages_of(answer, scope["method"])[0])
    return await _send_spans(answer.body, wire, send)


async def _send_spans(spans: AsyncIterator[Span], wire: Wire | None, send: Send) -> int:
    kernel_sends = wire is not None and wire.kernel_sends
    sent = 0
    try:
        async for span in spans:
            corks = wire is not None and kernel_sends and span.length >= _LONG_BYTES
            with wire.corked() if wire is not None and corks else contextlib.nullcontext():
                for window in _windows(span):
                    if wire is not None and kernel_sends and window.length >= _WORTH_IT_BYTES:
                        await bring_into_memory(window.fd, window.offset, window.length)
                        await wire.send_span(window)
                    else:
                        async for chunk in read_open_file(window.fd, window.offset, window.length):
                            await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    sent += window.length
    except CuratorError as error:
        log.warning("broke off after %d bytes: %s", sent, error.sentence)
        # To end without the last message is ASGI's way to cut the connection.
        return sent
    except (OSError, EOFError) as error:
        log.info("broke off after %d bytes: %s", sent, error)
        return sent
    finally:
        if wire is not None:
            wire.close()
        if isinstance(spans, AsyncGenerator):
            # Its file is closed now, and not when somebody collects it.
            await spans.aclose()
    await send({"type": "http.response.body", "body": b""})
    return sent


def _windows(span: Span) -> Iterator[Span]:
    """The span in pieces that can be looked at before they are sent."""
    end = span.offset + span.length
    for offset in range(span.offset, end, _WINDOW_BYTES):
        yield Span(span.fd, offset, min(_WINDOW_BYTES, end - offset))

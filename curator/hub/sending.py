"""An answer onto the wire: small ones in one message, files handed to the kernel where the transport allows it.

ASGI has no way to send a file. `SendfileProtocol` gives the application one, in the request's scope; under another
server, or TLS, the same bytes are read and sent in chunks of 1 MiB.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, cast

from starlette.types import Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from curator.errors import CuratorError
from curator.hub.answer import Answer, messages_of
from curator.store.fill import Span
from curator.store.reading import bring_into_memory, read_open_file

log = logging.getLogger(__name__)

_EXTENSION = "curator.sendfile"
_WINDOW_BYTES = 8 << 20
_WORTH_IT_BYTES = 64 << 10
"""Below this, a write of bytes costs less than what asyncio does around sendfile."""


class SendfileProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which tells each request how to have a part of a file sent by the kernel."""

    def on_headers_complete(self) -> None:
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before and self.scheme == "http":
            # The task that answers was made, and runs only when we are done here.
            scope: dict[str, Any] = cast("dict[str, Any]", self.scope)
            scope["extensions"] = {_EXTENSION: _Sendfile(self.cycle, self.loop)}


class _Sendfile:
    """Sends parts of files as the body of one response, after its headers."""

    def __init__(self, cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop) -> None:
        self._cycle = cycle
        self._loop = loop

    async def __call__(self, span: Span) -> None:
        """Raises `ConnectionError` when the client is gone."""
        cycle = self._cycle
        if cycle.disconnected or cycle.transport.is_closing():
            raise ConnectionResetError("the client is gone")
        # uvicorn counts what is sent, to hold the application to the length it announced.
        if span.length > cycle.expected_content_length:
            raise RuntimeError("more bytes than announced")
        cycle.expected_content_length -= span.length
        try:
            sent = await self._loop.sendfile(
                cycle.transport, io.FileIO(span.fd, closefd=False), span.offset, span.length, fallback=False
            )
        except (asyncio.SendfileNotAvailableError, RuntimeError) as error:
            # What asyncio makes of a connection that broke before the first byte.
            raise ConnectionResetError("the client is gone") from error
        if sent != span.length:
            raise EOFError(f"the file ends at {span.offset + sent}")


async def send_answer(answer: Answer, scope: Scope, send: Send) -> int:
    """Send the answer; returns the bytes of the body that went out.

    A body that fails in the middle is broken off: its length never matches, so no client takes it for whole.
    """
    start, end = messages_of(answer, scope["method"])
    await send(start)
    if isinstance(answer.body, bytes):
        await send(end)
        return len(end["body"])
    return await _send_spans(answer.body, scope, send)


async def _send_spans(spans: AsyncIterator[Span], scope: Scope, send: Send) -> int:
    sendfile: _Sendfile | None = (scope.get("extensions") or {}).get(_EXTENSION)
    sent = 0
    try:
        async for span in spans:
            for window in _windows(span):
                if sendfile is not None and window.length >= _WORTH_IT_BYTES:
                    await bring_into_memory(window.fd, window.offset, window.length)
                    await sendfile(window)
                else:
                    async for chunk in read_open_file(window.fd, window.offset, window.length):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                sent += window.length
    except CuratorError as error:
        log.warning("broke off after %d bytes: %s", sent, error.sentence)
        # To end without the last message is ASGI's way to cut the connection.
        return sent
    except (ConnectionError, EOFError) as error:
        log.info("broke off after %d bytes: %s", sent, error)
        return sent
    finally:
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

"""An answer that is kept ready is the same answer, over our own wire or over another server's."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from curator.hub.answer import Answer, json_answer
from curator.hub.sending import Wire, WireProtocol, send_answer, send_whole, whole_of
from curator.store.fill import Span


def sent(answer: Answer, method: str) -> list[Any]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(send_whole(whole_of(answer, method), {"type": "http"}, send))
    return messages


@pytest.mark.parametrize(("method", "body"), [("GET", b'{"sha":"x: y"}'), ("HEAD", b"")])
def test_a_server_without_our_wire_sends_it_by_messages(method: str, body: bytes) -> None:
    start, end = sent(json_answer({"sha": "x: y"}, headers={"X-HF-Warning": "curation a/b left-out; c: d"}), method)
    assert start["status"] == 200
    assert dict(start["headers"]) == {
        b"content-type": b"application/json; charset=utf-8",
        b"x-hf-warning": b"curation a/b left-out; c: d",
        b"content-length": b"14",
    }
    assert end == {"type": "http.response.body", "body": body}


@pytest.mark.parametrize("value", ["one\r\nSet-Cookie: two", "one\ntwo", "one\rtwo"])
def test_a_header_of_two_lines_is_never_kept(value: str) -> None:
    with pytest.raises(ValueError, match="more than one line"):
        whole_of(Answer(200, {"X-HF-Warning": value}), "GET")


@pytest.mark.parametrize("long_bytes", [1 << 20, 1 << 40], ids=["corked", "not corked"])
def test_each_of_several_gets_the_whole_file_also_beside_one_who_does_not_read(
    long_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.hub.sending._LONG_BYTES", long_bytes)
    content = os.urandom((24 << 20) + 12_345)
    path = tmp_path / "file"
    path.write_bytes(content)

    async def spans() -> AsyncIterator[Span]:
        with path.open("rb") as file:
            yield Span(file.fileno(), 0, len(content) // 2)
            yield Span(file.fileno(), len(content) // 2, len(content) - len(content) // 2)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send_answer(Answer(200, {"Content-Length": str(len(content))}, spans()), scope, send)

    async def ask(address: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return reader, writer

    async def run() -> list[bytes]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            config = uvicorn.Config(app, http=WireProtocol, lifespan="off", log_config=None)
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            connections = [await ask(listener.getsockname()) for _ in range(4)]
            idle, *busy = connections
            bodies = await asyncio.gather(*(reader.read(-1) for reader, _ in busy))
            bodies.append(await idle[0].read(-1))
            for _, writer in connections:
                writer.close()
            server.should_exit = True
            await serving
            return bodies

    for body in asyncio.run(run()):
        assert body.partition(b"\r\n\r\n")[2] == content


@pytest.mark.parametrize("size", [10, 300_000], ids=["whole", "spans"])
def test_an_answered_request_leaves_nothing_for_the_garbage_collection(size: int, tmp_path: Path) -> None:
    """A look for what only holds each other stops every answer of the process."""
    path = tmp_path / "file"
    path.write_bytes(bytes(size))

    async def spans() -> AsyncIterator[Span]:
        with path.open("rb") as file:
            yield Span(file.fileno(), 0, size)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = bytes(size) if size < 1_000 else spans()
        await send_answer(Answer(200, {"Content-Length": str(size)}, body), scope, send)

    async def run() -> tuple[int, int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(uvicorn.Config(app, http=WireProtocol, lifespan="off", log_config=None))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            for _ in range(20):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                await reader.readexactly(size)
            await asyncio.sleep(0.05)
            there = [type(one) for one in gc.get_objects()]
            writer.close()
            server.should_exit = True
            await serving
            return there.count(Wire), there.count(RequestResponseCycle)

    gc.collect()
    gc.disable()
    try:
        wires, cycles = asyncio.run(run())
    finally:
        gc.enable()
    assert wires == 0
    assert cycles <= 1, "the connection's last"

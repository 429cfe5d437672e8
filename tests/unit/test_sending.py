"""An answer that is kept ready is the same answer, over our own wire or over another server's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from curator.hub.answer import Answer, json_answer
from curator.hub.sending import send_whole, whole_of


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

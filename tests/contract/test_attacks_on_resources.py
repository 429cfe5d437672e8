"""One who sends much, or much at once, keeps nobody else waiting."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from fixtures.mirror import MirrorProcess
from tests.contract.effort import within
from tests.contract.http import ask

API = "/api/curator/v1"


def _names(count: int) -> str:
    return "&".join(f"{number:x}=" for number in range(count))


@pytest.mark.parametrize("path", [f"{API}/users", f"{API}/catalog", "/-/catalog", "/-/activity", "/api/models"])
def test_thousands_of_parameters_are_read_in_no_time(guarded: MirrorProcess, path: str) -> None:
    headers = {"Authorization": f"Bearer {guarded.admin_token}", "Accept": "text/html"}
    ask(guarded.url, path, headers=headers)
    query = _names(11_000)
    assert 50_000 < len(query) < 65_000
    with within(guarded, 1.5):
        reply = ask(guarded.url, f"{path}?{query}", headers=headers)
    assert reply.status in {200, 400}


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/catalog?after={'x' * 60_000}",
        f"{API}/record?after={'9' * 4_400}",
        f"{API}/requests?after=%00",
        f"{API}/record?actor={quote('é' * 5_000)}",
        f"{API}/waivers?repo={'*' * 10_000}",
        f"{API}/users?search={'%25' * 5_000}",
        f"{API}/tokens?search={'_' * 20_000}",
        f"/-/activity?after={'1' * 5_000}",
        f"/-/catalog?after={'A' * 20_000}",
        f"/-/catalog?q={'%25' * 10_000}",
    ],
    ids=lambda path: path[:40],
)
def test_a_cursor_or_a_filter_of_any_length_is_an_answer_or_a_sentence(guarded: MirrorProcess, path: str) -> None:
    headers = {"Authorization": f"Bearer {guarded.admin_token}"}
    with within(guarded, 2):
        reply = ask(guarded.url, path, headers=headers)
    assert reply.status in {200, 400, 422}, (reply.status, reply.body[:200])
    assert len(reply.body) < 100_000


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_of_many_fields_or_parts_is_refused(guarded: MirrorProcess, kind: str) -> None:
    if "multipart" in kind:
        body = (
            b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' for _ in range(20_000)) + b"--x--"
        )
    else:
        body = _names(100_000).encode()
    with within(guarded, 3):
        for path in ("/-/sign-in", "/-/sign-out"):
            reply = ask(guarded.url, path, "POST", {"Content-Type": kind, "Accept": "text/html"}, body)
            assert reply.status in {303, 400, 401, 403}, (path, reply.status)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 50_000, b"9" * 1_000_000, b'{"login": 1e999}', b"\xff\xfe"]
)
def test_json_that_is_after_the_parser_is_one_sentence(guarded: MirrorProcess, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {guarded.admin_token}", "Content-Type": "application/json"}
    for path in ("/users", "/check", "/rules/check", "/incidents/affected", "/sign-in/pipeline"):
        reply = ask(guarded.url, f"{API}{path}", "POST", headers, body)
        assert reply.status in {400, 413, 422}, (path, reply.status, reply.body[:200])
        assert set(reply.json) == {"error", "exit_code"}
        assert len(reply.body) < 2_000


_DEEP = "a: " + "[" * 50_000
_ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{','.join([f'*{chr(97 + level)}'] * 9)}]\n" for level in range(9)
)
_MANY = "schema: curator.rules/1\nname: x\nrules:\n" + "".join(
    f"  - {{id: R{number}!, x: 1}}\n" for number in range(9_000)
)
_LOOPS = (
    "schema: curator.rules/1\nname: x\nrules:\n  - {id: a, description: d, outcome: hold, message: m, expression: '"
    + "[1,2,3,4,5,6,7,8,9].all(a, " * 12
    + "true"
    + ")" * 12
    + "'}\n"
)


@pytest.mark.parametrize("source", [_DEEP, _ALIASES, _MANY, _LOOPS], ids=["deep", "aliases", "many", "loops"])
def test_rules_that_are_after_the_reader_are_refused_or_bounded(guarded: MirrorProcess, source: str) -> None:
    headers = {"Authorization": f"Bearer {guarded.admin_token}", "Content-Type": "application/json"}
    for path in ("/rules/check", "/rules/test", "/rules/consequences"):
        with within(guarded, 8):
            reply = ask(guarded.url, f"{API}{path}", "POST", headers, json.dumps({"source": source}).encode())
        assert reply.status in {200, 400, 422}, (path, reply.status, reply.body[:200])
        assert len(reply.body) < 3 * len(source) + 100_000

"""An identity provider that does not answer as one lets nobody in, and keeps nobody waiting."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from curator.errors import UnknownToken
from curator.people.issuers import Http, Issuer, IssuerAway

KEY = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
TOKEN = jwt.encode({"alg": "RS256", "kid": "one"}, {"sub": "7"}, KEY)
KEYS = json.dumps(KeySet([KEY]).as_dict(private=False)).encode()


class Site:
    """What it answers, by path; `asked` counts."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []

    def discovery(self, **changed: object) -> None:
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **changed}
        self.answers["/.well-known/openid-configuration"] = (200, {}, json.dumps(document).encode())
        self.answers.setdefault("/keys", (200, {}, KEYS))


@contextmanager
def serving(site: Site) -> Iterator[None]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            status, headers, body = site.answers.get(self.path, (404, {}, b"{}"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with serving(site):
        site.discovery()
        yield site


def signed(site: Site, token: str = TOKEN, times: int = 1) -> jwt.Token:
    async def asked() -> jwt.Token:
        issuer = Issuer(site.url, Http())
        for _ in range(times):
            found = await issuer.signed(token)
        return found

    return asyncio.run(asked())


def test_keys_are_asked_for_once_and_kept(site: Site) -> None:
    assert signed(site, times=5).claims == {"sub": "7"}
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"issuer": None},
        {"jwks_uri": "http://keys.evil.example/"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"jwks_uri": ["x"]},
    ],
    ids=str,
)
def test_who_calls_himself_otherwise_or_has_keys_elsewhere_is_not_believed(
    site: Site, changed: dict[str, object]
) -> None:
    site.discovery(**changed)
    with pytest.raises(IssuerAway):
        signed(site)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, b"<html>"),
        (200, {}, b"[" * 100_000),
        (200, {}, b'{"keys": "' + b"x" * 400_000 + b'"}'),
        (200, {}, b'{"keys": []}'),
        (200, {}, b'{"keys": [7]}'),
        (200, {}, b'{"keys": {"a": 1}}'),
        (200, {}, b"[]"),
        (200, {}, b"\xff\xfe"),
        (500, {}, b"{}"),
        (404, {}, b"{}"),
        (302, {"Location": "/elsewhere"}, b""),
        (200, {"Content-Encoding": "gzip"}, b"no gzip"),
    ],
    ids=str,
)
def test_keys_that_are_none_are_said_to_be_and_nobody_is_followed(
    site: Site, status: int, headers: dict[str, str], body: bytes
) -> None:
    site.answers["/keys"] = (status, headers, body)
    with pytest.raises(IssuerAway) as told:
        signed(site)
    assert "identity provider" in told.value.sentence
    assert "/elsewhere" not in site.asked


def test_a_token_of_another_key_or_none_is_not_signed_by_it(site: Site) -> None:
    other = RSAKey.generate_key(2048, {"kid": "one"})
    head, claims, _ = TOKEN.split(".")
    for token in (
        jwt.encode({"alg": "RS256", "kid": "one"}, {"sub": "7"}, other),
        f"{head}.{claims}.",
        f"{head}.{claims}",
        "",
        "..",
        "x" * 100_000,
    ):
        with pytest.raises(UnknownToken):
            signed(site, token)


def test_a_flood_of_invented_keys_asks_the_issuer_no_more_than_now_and_then(site: Site) -> None:
    async def flood() -> None:
        issuer = Issuer(site.url, Http())
        for number in range(30):
            token = jwt.encode({"alg": "RS256", "kid": f"invented-{number}"}, {"sub": "7"}, KEY)
            with pytest.raises(UnknownToken):
                await issuer.signed(token)

    asyncio.run(flood())
    assert len(site.asked) <= 4


def test_nobody_who_does_not_listen_is_waited_for() -> None:
    site = Site()
    with serving(site):
        pass
    with pytest.raises(IssuerAway, match="does not answer"):
        signed(site)

"""An identity provider that does not answer as one lets nobody in, and keeps nobody waiting."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import threading
import time
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
        self.may_answer = threading.Event()
        self.may_answer.set()

    def discovery(self, **changed: object) -> None:
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **changed}
        self.answers["/.well-known/openid-configuration"] = (200, {}, json.dumps(document).encode())
        self.answers.setdefault("/keys", (200, {}, KEYS))


@contextmanager
def serving(site: Site) -> Iterator[None]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.may_answer.wait(10)
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


def test_whose_key_is_known_waits_for_nobody_who_invents_one(site: Site) -> None:
    """Also while the issuer is slow: inventing keys would be a way to keep everybody out."""

    async def flooded() -> float:
        issuer = Issuer(site.url, Http())
        await issuer.signed(TOKEN)
        issuer._tried -= 60
        site.may_answer.clear()
        invented = [jwt.encode({"alg": "RS256", "kid": f"k{number}"}, {"sub": "7"}, KEY) for number in range(20)]
        flood = [asyncio.create_task(issuer.signed(token)) for token in invented]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        for _ in range(20):
            assert (await issuer.signed(TOKEN)).claims == {"sub": "7"}
        took = time.monotonic() - began
        site.may_answer.set()
        ended = await asyncio.gather(*flood, return_exceptions=True)
        assert all(isinstance(one, UnknownToken) for one in ended)
        return took

    assert asyncio.run(flooded()) < 2
    assert len(site.asked) <= 4


def test_of_many_who_ask_an_issuer_that_fails_one_waits_and_all_are_told(site: Site) -> None:
    site.answers["/keys"] = (500, {}, b"")

    async def many() -> None:
        issuer = Issuer(site.url, Http())
        ended = await asyncio.gather(*(issuer.signed(TOKEN) for _ in range(30)), return_exceptions=True)
        assert {type(one) for one in ended} == {IssuerAway}
        assert len(site.asked) <= 2
        # It is asked again, and then all is well.
        site.answers["/keys"] = (200, {}, KEYS)
        issuer._tried -= 60
        assert (await issuer.signed(TOKEN)).claims == {"sub": "7"}

    asyncio.run(many())


def _forged() -> list[tuple[str, str]]:
    """Tokens that a careless reader takes for signed: what they try, and the token."""
    from joserfc.jwk import ECKey, OctKey

    mine = RSAKey.generate_key(2048, {"kid": "one"})
    public = KEY.as_dict(private=False)
    pem = KEY.as_pem(private=False)
    claims = {"sub": "7", "iss": "x"}

    def part(document: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()

    def mac(header: dict[str, object], secret: bytes) -> str:
        signed_part = f"{part(header)}.{part(claims)}"
        digest = hmac.digest(secret, signed_part.encode(), "sha256")
        return f"{signed_part}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    head, body, signature = TOKEN.split(".")
    return [
        ("no signature", f"{part({'alg': 'none', 'kid': 'one'})}.{part(claims)}."),
        ("no signature, written otherwise", f"{part({'alg': 'NoNe', 'kid': 'one'})}.{part(claims)}."),
        ("no algorithm", f"{part({'kid': 'one'})}.{part(claims)}.{signature}"),
        ("the public key as a shared secret", mac({"alg": "HS256", "kid": "one"}, pem)),
        ("its JSON as a shared secret", mac({"alg": "HS256", "kid": "one"}, json.dumps(public).encode())),
        ("no secret at all", mac({"alg": "HS256", "kid": "one"}, b"")),
        ("a key of its own in the header", jwt.encode(
            {"alg": "RS256", "kid": "one", "jwk": mine.as_dict(private=False)}, claims, mine)),
        ("an address of keys in the header", jwt.encode(
            {"alg": "RS256", "kid": "one", "jku": "https://keys.evil.example/"}, claims, mine)),
        ("another kind of key", jwt.encode(
            {"alg": "ES256", "kid": "one"}, claims, ECKey.generate_key("P-256", {"kid": "one"}))),
        ("a key without a name", jwt.encode({"alg": "RS256"}, claims, mine)),
        ("other claims under the signature", f"{head}.{part({'sub': 'root'})}.{signature}"),
        (
            "a header that must be understood",
            f"{part({'alg': 'RS256', 'kid': 'one', 'crit': ['x'], 'x': 1})}.{body}.{signature}",
        ),
        ("five parts", f"{head}.{body}.{signature}.{body}.{signature}"),
        ("a name that is a path", mac({"alg": "HS256", "kid": "../../../dev/null"}, b"")),
        ("a name that is no text", mac({"alg": "RS256", "kid": {"a": []}}, b"")),
        ("a secret of ours", jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("x" * 32))),
    ]  # fmt: skip


@pytest.mark.parametrize("forged", _forged(), ids=lambda forged: forged[0])
def test_no_forged_token_is_taken_for_signed(site: Site, forged: tuple[str, str]) -> None:
    with pytest.raises(UnknownToken):
        signed(site, forged[1])

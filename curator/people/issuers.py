"""Issuers of identity tokens: what they say of themselves, and whether a token is signed by them (OpenID Discovery)."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from curator.errors import CuratorError, UnknownToken
from curator.people.passwords import TooMany
from curator.trust import an_issuer

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures by a private key only: with `none` or a shared secret (`HS256`) anybody could sign with what is public."""
LEEWAY_S = 60
"""Clocks of two machines may differ by that."""
_LONGEST_TOKEN = 16_384
_MOST_BYTES = 1 << 18
_TIMEOUT_S = 8.0
_KEPT_S = 3_600.0
_AGAIN_AFTER_S = 3.0
"""A token that names a key that nobody knows has the keys asked for anew, but not more often than this."""


_MOST_WAITING = 100
"""For an issuer's answer. Whoever shows a key that is known waits for none, and is never among them."""


class IssuerAway(CuratorError):
    """An identity provider that must be asked does not answer, or not as one."""

    status = 502
    exit_code = 4


class Http:
    """Asks issuers: in bounded time, for answers of bounded size, and nobody whom they send on to."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        return (await self._ask("GET", url, None, headers))[1]

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        """The status and the JSON of the answer."""
        return await self._ask("POST", url, body, headers)

    async def _ask(
        self, method: str, url: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        import aiohttp

        host = urlsplit(url).netloc
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_TIMEOUT_S)) as session,
                session.request(
                    method,
                    url,
                    data=body,
                    headers={"Accept": "application/json", **(headers or {})},
                    ssl=self._tls if self._tls is not None else True,
                    allow_redirects=False,
                    proxy=_proxy(url),
                ) as response,
            ):
                content = await response.content.read(_MOST_BYTES + 1)
                while len(content) <= _MOST_BYTES and (more := await response.content.read(_MOST_BYTES)):
                    content += more
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise IssuerAway(f"The identity provider at {host} does not answer ({type(error).__name__})") from None
        if len(content) > _MOST_BYTES or response.status >= 500 or (method == "GET" and response.status != 200):
            raise IssuerAway(f"The identity provider at {host} answers {response.status} to what it should know")
        try:
            return response.status, json.loads(content)
        except (ValueError, RecursionError):
            raise IssuerAway(f"The identity provider at {host} answers with something that is not JSON") from None


class Issuer:
    """One issuer; what it has said is kept for an hour. Belongs to one event loop."""

    def __init__(self, url: str, http: Http) -> None:
        self.url = url
        self.http = http
        self._lock = asyncio.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._asked = float("-inf")
        self._tried = float("-inf")
        self._waiting = 0
        self._failed: str | None = None
        """What the last try failed with, if it did."""

    async def endpoint(self, name: str) -> str:
        """The address of one of its parts, such as `token_endpoint`. Raises `IssuerAway`."""
        await self._know()
        return self._address(name, self._metadata)

    async def metadata(self) -> Mapping[str, Any]:
        """All that it says of itself. Raises `IssuerAway`."""
        await self._know()
        return self._metadata

    async def signed(self, token: str) -> jwt.Token:
        """The token, if the issuer has signed it; nothing of what it says is checked yet.

        Raises `UnknownToken` and `IssuerAway`.
        """
        keys = await self._know()
        try:
            return decoded(token, keys)
        except InvalidKeyIdError:
            return decoded_or_refused(token, await self._know(newer=True))
        except (JoseError, ValueError, TypeError):
            raise _not_signed() from None

    async def _know(self, *, newer: bool = False) -> KeySet:
        """Its keys. Whoever shows a key that is known waits for nobody who invents one, and of those who do one waits
        for an issuer that is slow or away: for the others its last answer holds for some seconds."""
        if not newer and (kept := self._fresh()) is not None:
            return kept
        if self._waiting >= _MOST_WAITING:
            raise TooMany(int(_AGAIN_AFTER_S))
        self._waiting += 1
        try:
            return await self._know_in_turn(newer=newer)
        finally:
            self._waiting -= 1

    async def _know_in_turn(self, *, newer: bool) -> KeySet:
        async with self._lock:
            kept, tried_before = self._fresh(), time.monotonic() - self._tried
            if kept is not None and not newer:
                return kept
            if tried_before <= _AGAIN_AFTER_S:
                if self._failed is not None:
                    raise IssuerAway(self._failed)
                if kept is not None:
                    return kept
            try:
                await self._learn()
                self._failed = None
            except IssuerAway as away:
                self._failed = str(away)
                raise
            finally:
                self._tried = time.monotonic()
            assert self._keys is not None
            return self._keys

    def _fresh(self) -> KeySet | None:
        return self._keys if time.monotonic() - self._asked <= _KEPT_S else None

    async def _learn(self) -> None:
        metadata = await self.http.get(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(metadata, dict) or metadata.get("issuer") != self.url:
            said = metadata.get("issuer") if isinstance(metadata, dict) else None
            raise IssuerAway(f"The identity provider at {self.url} calls itself {said!a:.200}: name it to the letter")
        document = await self.http.get(self._address("jwks_uri", metadata))
        try:
            keys = KeySet.import_key_set(document)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise IssuerAway(f"The identity provider at {self.url} has no keys that can be used") from None
        self._metadata, self._keys, self._asked = metadata, keys, time.monotonic()

    def _address(self, name: str, metadata: Mapping[str, Any]) -> str:
        address = str(metadata.get(name))
        try:
            an_issuer(address.partition("?")[0])
        except ValueError:
            raise IssuerAway(f"The identity provider at {self.url} names no {name} that can be used") from None
        return address


def decoded(token: str, keys: KeySet) -> jwt.Token:
    """A token whose signature is one of these keys'. Raises `JoseError` and `ValueError`."""
    if len(token) > _LONGEST_TOKEN:
        raise ValueError(token[:20])
    return jwt.decode(token, keys, algorithms=ALGORITHMS)


def decoded_or_refused(token: str, keys: KeySet) -> jwt.Token:
    try:
        return decoded(token, keys)
    except (JoseError, ValueError, TypeError):
        raise _not_signed() from None


def _not_signed() -> UnknownToken:
    return UnknownToken("This identity token was not signed by the issuer that is trusted here: nothing was done")


def _proxy(url: str) -> str | None:
    """That the environment names for this address (`HTTPS_PROXY`, `NO_PROXY`), but none for this machine."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies()
    return None if proxy_bypass(host) else proxies.get(parts.scheme, proxies.get("all"))

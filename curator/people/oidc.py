"""Sign-in to the console by an identity provider (OpenID Connect, authorization code with PKCE).

All that one attempt has to remember comes from one random text that the browser alone keeps, in a cookie: the state,
the nonce and the verifier. So nothing of it is in the database, and no other browser can finish what this one began.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curator.errors import CuratorError, UnknownToken
from curator.people import logout
from curator.people.issuers import LEEWAY_S, Http, Issuer
from curator.settings import Settings
from curator.trust import Group

log = logging.getLogger(__name__)

_REFUSED = "The identity provider has not said who you are in a way that can be believed: sign in anew from the start"


class NotBelieved(UnknownToken):
    """What came back from the identity provider is not an answer to what was asked, or not for this mirror."""

    def __init__(self, why: str) -> None:
        super().__init__(_REFUSED)
        self.why = why
        """For the log and the record, and not for whoever tries."""


class NoGroup(CuratorError):
    """The identity provider knows who he is, and no group of his is for this mirror."""

    status = 403


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in, as its browser knows it."""

    secret: str

    @classmethod
    def new(cls) -> Attempt:
        return cls(secrets.token_urlsafe(32))

    @property
    def state(self) -> str:
        return self._derived("state")

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        return self._derived("verifier")

    @property
    def form(self) -> str:
        """What the forms of the sign-in page have, so that none can be sent from elsewhere."""
        return self._derived("form")

    def _derived(self, name: str) -> str:
        digest = hmac.digest(self.secret.encode(errors="replace"), name.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider speaks of."""

    issuer: str
    subject: str
    name: str
    full_name: str
    email: str
    groups: frozenset[str]
    sid: str | None = None
    """What the provider calls its session."""


class Provider:
    """The identity provider of the settings. Belongs to one event loop."""

    def __init__(self, settings: Settings, http: Http) -> None:
        assert settings.oidc_issuer is not None
        assert settings.oidc_client_id is not None
        self._issuer = Issuer(settings.oidc_issuer, http)
        self._client_id = settings.oidc_client_id
        secret = settings.oidc_client_secret
        self._client_secret = secret.get_secret_value() if secret is not None else None
        self._scopes = settings.oidc_scopes
        self._name_claim = settings.oidc_name_claim
        self._groups_claim = settings.oidc_groups_claim
        self._redirect = f"{settings.url}/-/sign-in/answer"

    async def address(self, attempt: Attempt) -> str:
        """Where the browser is to go. Raises `IssuerAway`."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        uri: str = prepare_grant_uri(
            await self._issuer.endpoint("authorization_endpoint"),
            client_id=self._client_id,
            response_type="code",
            redirect_uri=self._redirect,
            scope=self._scopes,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return uri

    async def answered(self, attempt: Attempt, answer: Mapping[str, str]) -> Identity:
        """Who came back with this answer. Raises `NotBelieved` and `IssuerAway`."""
        if not hmac.compare_digest(attempt.state.encode(), answer.get("state", "").encode()):
            raise NotBelieved("it answers what another browser asked, or nobody")
        metadata = await self._issuer.metadata()
        # RFC 9207: a provider that names itself in its answers does so in each.
        if answer.get("iss", self._issuer.url) != self._issuer.url or (
            metadata.get("authorization_response_iss_parameter_supported") is True and "iss" not in answer
        ):
            raise NotBelieved("it does not come from the provider that was asked (iss)")
        if "error" in answer or not answer.get("code"):
            raise NotBelieved(f"the provider said {answer.get('error', 'nothing')[:80]!a}")
        tokens = await self._tokens(attempt, answer["code"])
        return self._identity(await self._claims(attempt, tokens))

    async def _tokens(self, attempt: Attempt, code: str) -> Mapping[str, Any]:
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.client import DEFAULT_HEADERS
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        address = await self._issuer.endpoint("token_endpoint")
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._redirect, code_verifier=attempt.verifier
        )
        how = "none" if self._client_secret is None else await self._how_to_say_the_secret()
        auth = ClientAuth(self._client_id, self._client_secret, how)
        address, headers, body = auth.prepare("POST", address, dict(DEFAULT_HEADERS), body)
        status, document = await self._issuer.http.post(address, body, headers)
        if status != 200 or not isinstance(document, dict) or not isinstance(document.get("id_token"), str):
            said = document.get("error") if isinstance(document, dict) else None
            raise NotBelieved(f"the provider gave no token for the code: {status}, {str(said)[:80]!a}")
        return document

    async def _how_to_say_the_secret(self) -> str:
        ways = (await self._issuer.metadata()).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"

    async def _claims(self, attempt: Attempt, tokens: Mapping[str, Any]) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        try:
            token = await self._issuer.signed(tokens["id_token"])
        except UnknownToken:
            raise NotBelieved("the identity token is not signed by the provider") from None
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": self._issuer.url},
                "aud": {"essential": True, "value": self._client_id},
            },
            params={
                "nonce": attempt.nonce,
                "client_id": self._client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        try:
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise NotBelieved(f"the identity token says something else than it should ({str(error)[:80]})") from None
        said: Mapping[str, Any] = claims
        if self._groups_claim in said and self._name_claim in said:
            return said
        return await self._more(said, tokens)

    async def _more(self, claims: Mapping[str, Any], tokens: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the provider keeps for whoever asks for it, with the access token (OpenID Connect Core 5.3)."""
        metadata = await self._issuer.metadata()
        if "userinfo_endpoint" not in metadata or not isinstance(tokens.get("access_token"), str):
            return claims
        address = await self._issuer.endpoint("userinfo_endpoint")
        more = await self._issuer.http.get(address, {"Authorization": f"Bearer {tokens['access_token']}"})
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
            raise NotBelieved("the provider speaks of somebody else when it is asked for more (sub)")
        return {**more, **claims}

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        groups = claims.get(self._groups_claim)
        if isinstance(groups, str):
            groups = [groups]
        return Identity(
            self._issuer.url,
            str(claims["sub"]),
            _text(claims.get(self._name_claim)),
            _text(claims.get("name")),
            # Notices go there; one that is said not to be his may be anybody's.
            _text(claims.get("email")) if claims.get("email_verified", True) in (True, "true") else "",
            frozenset(str(one) for one in groups[:1_000]) if isinstance(groups, list) else frozenset(),
            logout.name_of(claims, "sid"),
        )

    async def logged_out(self, token: str) -> logout.Ended:
        """What the provider says has ended there. Raises `NotBelieved` and `IssuerAway`."""
        try:
            signed = await self._issuer.signed(token)
            return logout.read(signed.header, signed.claims, self._issuer.url, self._client_id, time.time())
        except UnknownToken:
            raise NotBelieved("the logout token is not signed by the provider") from None
        except ValueError as wrong:
            raise NotBelieved(str(wrong)) from None


def standing(identity: Identity, mapping: Mapping[str, Group], order: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The role that groups make of somebody, the last in `order` that one of them has, and the teams that he is in.

    Raises `NoGroup`.
    """
    fitting = [group for name, group in mapping.items() if name == "*" or name in identity.groups]
    roles = [group.role for group in fitting if group.role is not None]
    if not fitting:
        raise NoGroup(
            f"{identity.name or identity.subject} is in no group that may use this mirror: ask its administrator, who "
            "has CURATOR_OIDC_ROLES"
        )
    role = max(roles, key=order.index) if roles else "developer"
    return role, tuple(dict.fromkeys(group.team for group in fitting if group.team is not None))


def _text(value: object) -> str:
    return " ".join(value.split())[:200] if isinstance(value, str) else ""

"""Sign-in by an identity provider: a certified one, in its own process, made to misbehave where an honest one would
not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.oidc.process import IdentityProvider
from tests.contract.http import ask
from tests.contract.visitor import Visitor

GROUPS = {
    "staff": {"role": "developer"},
    "ml-leads": {"role": "reviewer", "team": "search"},
    "ml-search": {"team": "search"},
    "platform": {"role": "admin"},
}


@dataclass(frozen=True)
class House:
    mirror: MirrorProcess
    provider: IdentityProvider

    def person(self, name: str, *groups: str, **claims: Any) -> None:
        known = {"preferred_username": name, "name": name.title(), "email": f"{name}@acme.example", "groups": groups}
        self.provider.person(f"sub-{name}", **known | claims)

    def signed_in(self, name: str, visitor: Visitor | None = None, *, follow: bool = True) -> Visitor:
        """Through the provider's own pages, as far as the page that one comes back to."""
        visitor = visitor or Visitor(self.mirror.url)
        visitor.go("/-/sign-in/oidc?next=%2F-%2Faccount%2Fsign-in")
        if 'name="prompt" value="login"' in visitor.text:
            visitor.send(login=f"sub-{name}", password="any")
        if 'name="prompt" value="consent"' in visitor.text:
            visitor.send(follow=follow)
        return visitor

    def admin(self, path: str) -> Any:
        return ask(self.mirror.url, path, headers={"Authorization": f"Bearer {self.mirror.admin_token}"}).json


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with IdentityProvider() as provider:
        variables = {
            "CURATOR_ANONYMOUS": "no",
            "CURATOR_OIDC_ISSUER": provider.issuer,
            "CURATOR_OIDC_CLIENT_ID": "curator",
            "CURATOR_OIDC_CLIENT_SECRET": "provider-secret-17",
            "CURATOR_OIDC_TITLE": "Acme",
            "CURATOR_OIDC_ROLES": json.dumps(GROUPS),
        }
        with MirrorProcess(tmp_path_factory.mktemp("oidc") / "data", hub.url, variables) as mirror:
            provider.start(mirror.url)
            yield House(mirror, provider)


def test_somebody_of_the_right_group_is_made_a_person_with_its_role_and_team(house: House) -> None:
    house.person("lena", "staff", "ml-leads")
    visitor = house.signed_in("lena")
    assert visitor.reply.status == 200
    assert visitor.path == "/-/account/sign-in"
    assert "lena" in visitor.text
    assert "reviewer · search" in visitor.text
    assert "Change your password" not in visitor.text


def test_role_and_teams_follow_the_groups_at_each_sign_in(house: House) -> None:
    house.person("omar", "ml-leads")
    first = house.signed_in("omar")
    assert "reviewer · search" in first.text
    house.person("omar", "staff")
    again = house.signed_in("omar")
    assert "developer" in again.text
    assert "search" not in again.text
    # What he may no more, he may no more in any window.
    first.go("/-/account/sign-in")
    assert first.path == "/-/sign-in"


def test_who_is_in_no_group_that_is_named_is_told_so_and_not_let_in(house: House) -> None:
    house.person("eve", "sales")
    visitor = house.signed_in("eve")
    assert visitor.reply.status == 403
    assert "in no group that may use this mirror" in visitor.text
    assert "curator_session" not in visitor.own_cookies


def test_a_local_account_of_the_same_name_is_never_taken_over(house: House) -> None:
    admin = Visitor(house.mirror.url)
    admin.go("/-/sign-in?way=token")
    admin.send(token=house.mirror.admin_token or "")
    admin.go("/-/sign-in/first")
    admin.send("/first", login="root")
    assert admin.path.startswith("/-/choose-password/")
    house.person("root", "staff")
    visitor = house.signed_in("root")
    assert visitor.reply.status == 409
    assert "is not taken over" in visitor.text


@pytest.mark.parametrize(
    "lie",
    [
        {"claims": {"nonce": "of-another-visit"}},
        {"claims": {"nonce": None}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"iss": "https://login.evil.example"}},
        {"claims": {"exp": 1_000_000_000}},
        {"claims": {"iat": 9_000_000_000, "nbf": 9_000_000_000, "exp": 9_000_000_300}},
        {"claims": {"azp": "another-client"}},
        {"alg": "none"},
        {"alg": "HS256"},
        {"kid": "never-heard-of"},
    ],
    ids=lambda lie: json.dumps(lie)[:40],
)
def test_an_identity_token_that_says_something_else_than_it_should_lets_nobody_in(house: House, lie: Any) -> None:
    house.person("mia", "staff")
    house.provider.forge(**lie)
    visitor = house.signed_in("mia")
    assert visitor.reply.status == 401
    assert "has not said who you are" in visitor.text
    assert "curator_session" not in visitor.own_cookies
    # And it was the lie that kept her out.
    assert house.signed_in("mia", visitor).path == "/-/account/sign-in"


def _answer(house: House, visitor: Visitor) -> str:
    """The address that the provider sends somebody back to, not yet asked for."""
    visitor.go("/-/sign-in/oidc", follow=False)
    visitor.url = house.mirror.url
    address = visitor.reply.headers["location"]
    for _ in range(8):
        visitor.go(address, follow=False)
        while 'name="prompt" value=' in visitor.text and visitor.reply.status == 200:
            visitor.send(login="sub-nora", password="any", follow=False)
        address = visitor.reply.headers["location"]
        if address.startswith(house.mirror.url):
            return address
    raise AssertionError(address)


def test_an_answer_is_good_once_and_only_in_the_browser_that_asked(house: House) -> None:
    house.person("nora", "staff")
    nora, mallory = Visitor(house.mirror.url), Visitor(house.mirror.url)
    address = _answer(house, nora)
    mallory.go("/-/sign-in/oidc", follow=False)
    mallory.url = house.mirror.url
    assert mallory.go(address).status == 401, "his browser has another state"
    victim = Visitor(house.mirror.url)
    assert victim.go(address).status == 401, "and a browser that never asked has none"
    kept = dict(nora.own_cookies)
    assert nora.go(address).status == 200
    nora.cookies[urlsplit(house.mirror.url).netloc] = kept
    assert nora.go(address).status == 401, "the provider takes a code once"


def test_an_answer_that_names_another_issuer_or_none_is_refused(house: House) -> None:
    house.person("nora", "staff")
    nora = Visitor(house.mirror.url)
    address = _answer(house, nora)
    parts = urlsplit(address)
    kept = dict(nora.own_cookies)
    for changed in (
        f"{parts.path}?{'&'.join(one for one in parts.query.split('&') if not one.startswith('iss='))}",
        f"{parts.path}?{parts.query.replace('iss=', 'iss=https%3A%2F%2Fevil.example%2F')}",
        f"{parts.path}?error=access_denied&state={parse_qs(parts.query)['state'][0]}",
    ):
        nora.cookies[urlsplit(house.mirror.url).netloc] = dict(kept)
        nora.url = house.mirror.url
        assert nora.go(changed).status == 401, changed


def test_new_keys_of_the_provider_are_fetched_when_they_are_first_used(house: House) -> None:
    house.person("nora", "staff")
    assert house.signed_in("nora").reply.status == 200
    house.provider.new_key()
    # Not more often than every few seconds, or a flood of invented keys would be one of questions.
    deadline = time.monotonic() + 60
    while (status := house.signed_in("nora").reply.status) != 200 and time.monotonic() < deadline:
        time.sleep(1)
    assert status == 200


def test_the_challenge_is_s256_and_neither_verifier_nor_secret_is_shown(house: House) -> None:
    visitor = Visitor(house.mirror.url)
    query = parse_qs(urlsplit(visitor.go("/-/sign-in/oidc", follow=False).headers["location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["response_type"] == ["code"]
    assert query["redirect_uri"] == [f"{house.mirror.url}/-/sign-in/answer"]
    assert set(query) == {
        "client_id",
        "response_type",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    }


def test_each_sign_in_and_each_refusal_is_on_the_record_and_no_secret_anywhere(house: House) -> None:
    house.person("nora", "staff")
    nora = house.signed_in("nora")
    house.provider.forge(alg="none")
    house.signed_in("nora")
    data: Path = house.mirror.data
    kept = b"".join(path.read_bytes() for path in data.rglob("curator.db*")) + house.mirror.log.read_bytes()
    for secret in (*nora.own_cookies.values(), "provider-secret-17", house.mirror.admin_token or ""):
        assert secret.partition(".")[0].encode() not in kept
    assert b"nora signed in to the console by oidc" in kept
    assert b"is not signed by the provider" in kept


def test_mail_goes_to_no_address_that_the_provider_says_is_not_known_to_be_his(house: House) -> None:
    house.person("vera", "staff")
    claims = {"email": "the-board@acme.example", "email_verified": False, "preferred_username": "vera"}
    house.provider.forge(claims=claims | {"groups": ["staff"]})
    assert house.signed_in("vera").path == "/-/account/sign-in"
    assert house.admin("/api/curator/v1/users/vera")["user"]["email"] == ""


def test_an_address_of_mail_is_nobodys_name(house: House) -> None:
    """Who chooses his own at the provider is not taken for whose it was first, nor for the part before the @."""
    house.person("walt", "staff", email="walt@acme.example")
    house.signed_in("walt")
    house.person("mallory", "staff", preferred_username="walt@evil.example", email="walt@acme.example")
    visitor = house.signed_in("mallory")
    assert visitor.reply.status == 409
    assert "is not taken over" in visitor.text
    assert "curator_session" not in visitor.own_cookies

"""One person, as the provider knows him: an account that is linked to it, and sessions that end when those there do."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from curator.cli.all_commands import cli
from curator.errors import CuratorError
from curator.people.logout import EVENT
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.oidc.process import IdentityProvider
from tests.contract.http import Reply, ask
from tests.contract.test_identity_provider import GROUPS, House
from tests.contract.visitor import Visitor

PASSWORD = "seven lanterns over the quay"
LIFE_S = 3_000


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with IdentityProvider() as provider:
        variables = {
            "CURATOR_OIDC_ISSUER": provider.issuer,
            "CURATOR_OIDC_CLIENT_ID": "curator",
            "CURATOR_OIDC_CLIENT_SECRET": "provider-secret-17",
            "CURATOR_OIDC_TITLE": "Acme",
            "CURATOR_OIDC_ROLES": json.dumps(GROUPS),
            "CURATOR_OIDC_SESSION_S": str(LIFE_S),
        }
        with MirrorProcess(tmp_path_factory.mktemp("one") / "data", hub.url, variables) as mirror:
            provider.start(mirror.url)
            yield House(mirror, provider)


def admin(house: House, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    headers = {"Authorization": f"Bearer {house.mirror.admin_token}", "Content-Type": "application/json"}
    answer = ask(
        house.mirror.url, f"/api/curator/v1{path}", method, headers, json.dumps(body).encode() if body else None
    )
    assert answer.status == status, answer.body
    return answer.json


def with_password(house: House, login: str) -> Visitor:
    """Signed in by a password, as before there was a provider."""
    admin(house, "POST", "/users", {"login": login, "role": "developer"}, 201)
    visitor = Visitor(house.mirror.url)
    visitor.go(admin(house, "POST", f"/users/{login}/invitation")["link"].removeprefix(house.mirror.url))
    visitor.send(password=PASSWORD, again=PASSWORD)
    assert visitor.reply.status == 200
    return visitor


def through_the_link(house: House, link: str, name: str) -> Visitor:
    visitor = Visitor(house.mirror.url)
    visitor.go(link.removeprefix(house.mirror.url))
    if visitor.reply.status != 200:
        return visitor
    visitor.send()
    visitor.send(login=f"sub-{name}", password="any")
    if 'name="prompt" value="consent"' in visitor.text:
        visitor.send()
    return visitor


def is_in(visitor: Visitor) -> bool:
    visitor.go(f"{visitor.base}/-/account/sign-in")
    return visitor.reply.status == 200 and visitor.path == "/-/account/sign-in"


def test_an_account_with_a_password_is_linked_by_whoever_has_the_link_and_proves_who_he_is(house: House) -> None:
    house.person("alice", "ml-leads")
    before = with_password(house, "alice")
    refused = house.signed_in("alice")
    assert refused.reply.status == 409, "a name or an address of mail links nothing"
    link = admin(house, "POST", "/users/alice/identity-link")["link"]
    linked = through_the_link(house, link, "alice")
    assert linked.reply.status == 200, linked.text
    assert is_in(linked)
    assert "reviewer · search" in linked.text
    assert not is_in(before), "who has the old password is not signed in any more"
    user = admin(house, "GET", "/users/alice")["user"]
    assert (user["issuer"], user["subject"]) == (house.provider.issuer, "sub-alice")
    assert house.signed_in("alice").reply.status == 200
    again = through_the_link(house, link, "alice")
    assert again.reply.status == 410
    rows = admin(house, "GET", "/record?subject=alice&action=user&limit=100")["rows"]
    said = [row["sentence"] for row in rows]
    assert any("made a link by which alice is to be known to the identity provider" in one for one in said)
    assert any(f"alice is known to {house.provider.issuer} as 'sub-alice'" in one for one in said)
    # And back, if it was a mistake.
    admin(house, "DELETE", "/users/alice/identity")
    assert not is_in(linked)
    assert admin(house, "POST", "/users/alice/invitation")["link"]


def test_another_site_links_nothing_by_sending_somebody_to_the_provider(house: House) -> None:
    """Somebody who has a link of his own has a colleague's browser go there."""
    house.person("victim", "staff")
    admin(house, "POST", "/users", {"login": "mallory", "role": "developer"}, 201)
    link = admin(house, "POST", "/users/mallory/identity-link")["link"]
    path = link.removeprefix(house.mirror.url)
    visitor = Visitor(house.mirror.url)
    visitor.go(f"/-/sign-in/oidc?{urlencode({'next': path})}")
    visitor.send(login="sub-victim", password="any")
    visitor.send()
    assert admin(house, "GET", "/users/mallory")["user"]["issuer"] is None
    assert admin(house, "GET", "/users/victim")["user"]["subject"] == "sub-victim"
    posted = ask(house.mirror.url, path, "POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"form_token=x")
    assert posted.status == 403


def test_whoever_has_an_account_of_the_provider_already_is_not_linked_to_a_second(house: House) -> None:
    house.person("nora", "staff")
    assert house.signed_in("nora").reply.status == 200
    admin(house, "POST", "/users", {"login": "nora-old", "role": "developer"}, 201)
    link = admin(house, "POST", "/users/nora-old/identity-link")["link"]
    refused = through_the_link(house, link, "nora")
    assert refused.reply.status == 409
    assert "You are nora here already" in refused.text
    told = admin(house, "PUT", "/users/nora/same/nora-old")
    assert told["user"]["same_as"] == ["nora-old"]
    assert told["resting_on_one"] == []
    assert admin(house, "GET", "/users/nora-old")["user"]["same_as"] == ["nora"]
    assert admin(house, "DELETE", "/users/nora-old/same")["user"]["same_as"] == []


def test_a_session_that_came_from_the_provider_lasts_as_long_as_is_set_for_it(house: House) -> None:
    house.person("otto", "staff")
    assert is_in(house.signed_in("otto"))
    (sitting,) = admin(house, "GET", "/sessions?user=otto")["sessions"]
    lasts = (moment(sitting["ends_at"]) - moment(sitting["began_at"])) / LIFE_S
    assert lasts == pytest.approx(1, abs=0.01)


def moment(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def test_who_signs_out_at_the_provider_is_signed_out_here(house: House) -> None:
    """The provider's own process says so to the mirror, by itself."""
    house.person("pia", "staff")
    one, other = house.signed_in("pia"), house.signed_in("pia", Visitor(house.mirror.url))
    assert is_in(one)
    assert is_in(other)
    one.go(f"{house.provider.issuer}/session/end")
    one.send(logout="yes")
    # It has told the mirror before it answers.
    assert not is_in(one)
    assert is_in(other), "another session there, and another one here"
    rows = admin(house, "GET", "/record?action=sign-out&limit=20")["rows"]
    assert ("provider", "pia") in {(row["outcome"], row["subject"]) for row in rows}


def logout(house: House, typ: str = "logout+jwt", **claims: Any) -> str:
    moment = int(time.time())
    said = {"aud": "curator", "jti": uuid.uuid4().hex, "iat": moment, "events": {EVENT: {}}, **claims}
    return house.provider.sign(said, typ=typ)


def sent(house: House, token: str) -> Reply:
    body = urlencode({"logout_token": token}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(house.mirror.url, "/api/curator/v1/sign-in/logout", "POST", headers, body)


def test_a_logout_of_a_person_ends_all_his_sessions_once(house: House) -> None:
    house.person("rolf", "staff")
    one, other = house.signed_in("rolf"), house.signed_in("rolf", Visitor(house.mirror.url))
    token = logout(house, sub="sub-rolf")
    answer = sent(house, token)
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == {"ended": 2}
    assert not is_in(one)
    assert not is_in(other)
    again = house.signed_in("rolf", one)
    assert is_in(again)
    assert sent(house, token).status == 400, "who has seen it on the way cannot sign anybody out with it later"
    assert is_in(again)


def test_what_is_no_logout_token_ends_nothing(house: House) -> None:
    house.person("sue", "staff")
    visitor = house.signed_in("sue")
    whose = {"sub": "sub-sue"}
    for token in (
        logout(house, aud="another-client", **whose),
        logout(house, iss="https://login.evil.example", **whose),
        logout(house, events={}, **whose),
        logout(house, events=None, **whose),
        logout(house, nonce="n", **whose),
        logout(house, jti=None, **whose),
        logout(house, iat=int(time.time()) - 4_000, **whose),
        logout(house, iat=int(time.time()) + 4_000, **whose),
        logout(house, exp=int(time.time()) - 4_000, **whose),
        logout(house, typ="at+jwt", **whose),
        logout(house),
        house.provider.sign({"aud": "curator", "jti": "a", "events": {EVENT: {}}, **whose}, alg="none"),
        house.provider.sign({"aud": "curator", "jti": "b", "events": {EVENT: {}}, **whose}, alg="HS256"),
        "nonsense",
    ):
        answer = sent(house, token)
        assert answer.status == 400, (token, answer.body)
    assert sent(house, "").status == 400
    assert is_in(visitor)


def asked(house: House, *words: str, code: int = 0) -> str:
    """What a command says that asks the mirror, from a machine without its database."""
    variables = {"CURATOR_TOKEN": house.mirror.admin_token or ""}
    done = CliRunner(env=variables).invoke(cli, [*words, "--server", house.mirror.url])
    error = done.exception if isinstance(done.exception, CuratorError) else None
    told = done.output + (error.sentence if error else "")
    assert (error.exit_code if error else done.exit_code) == code, told
    return told


def test_people_teams_and_tokens_are_kept_from_anywhere(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert asked(house, "team", "create", "custody", "--title", "Custody") == "There is a team custody now.\n"
    assert "has a project desk now" in asked(house, "project", "create", "desk", "--team", "custody")
    said = asked(house, "user", "create", "zoe", "--role", "reviewer", "--team", "custody", "--name", "Zoe Z")
    assert said == "zoe is here, as reviewer, and asks for custody.\n"
    asked(house, "user", "create", "zac")
    assert asked(house, "team", "add", "custody", "zac") == "In the team custody now: zac.\n"
    shown = asked(house, "team", "show", "custody")
    assert "zoe" in shown
    assert "zac" in shown
    assert "desk" in shown
    assert asked(house, "team", "remove", "custody", "zac") == "Not in the team custody any more: zac.\n"
    assert "zoe" in asked(house, "user", "list", "--team", "custody")
    assert "zac" not in asked(house, "user", "list", "--team", "custody")
    assert asked(house, "user", "change", "zoe", "--role", "security").startswith("zoe is security now")
    assert "security" in asked(house, "user", "show", "zoe")
    assert asked(house, "user", "invite", "zoe").startswith(f"{house.mirror.url}/-/choose-password/")
    assert asked(house, "user", "link", "zoe").startswith(f"{house.mirror.url}/-/link-account/")
    assert "known to no identity provider" in asked(house, "user", "unlink", "zoe", code=2)
    assert asked(house, "user", "same", "zoe", "zac") == "zoe, zac are one person from now on.\n"
    assert "same as      zac" in asked(house, "user", "show", "zoe")
    assert asked(house, "user", "apart", "zac") == "zac is a person of its own again.\n"
    made = json.loads(asked(house, "token", "create", "laptop", "--user", "zoe", "--format", "json"))
    assert made["secret"].startswith("hf_cur")
    assert "zoe/laptop" in asked(house, "token", "list")
    asked(house, "token", "rotate", "laptop", "--user", "zoe", "--until", "30d", "--grace", "0h")
    assert asked(house, "token", "revoke", "laptop", "--user", "zoe") == "The token 'laptop' is valid no longer.\n"
    assert "There is no valid token 'laptop' of zoe" in asked(
        house, "token", "revoke", "laptop", "--user", "zoe", code=2
    )
    assert asked(house, "user", "disable", "zac").startswith("zac is nobody here")
    assert asked(house, "user", "enable", "zac").startswith("zac is developer here again")
    assert "has ended" in asked(house, "project", "end", "desk", "--team", "custody")
    assert "desk" in asked(house, "project", "list", "--all")
    assert "1 people left it" in asked(house, "team", "end", "custody")
    assert "ended" in asked(house, "team", "list", "--all")
    assert "one of the two" in asked(house, "user", "list", "--data", str(tmp_path), code=2)
    assert list(tmp_path.iterdir()) == [], "no database is made where a mirror is asked"

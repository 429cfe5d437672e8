"""Sign-in to the console by passwords and tokens: sessions, forms, and what is tried against them."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import threading
from typing import Any

import pytest

from fixtures import programs
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import bare_environment
from tests.contract.http import Reply, ask
from tests.contract.visitor import Visitor

GOOD = "tulip kettle amber 7"
OTHER = "violet harbour lantern 9"


def api(mirror: MirrorProcess, method: str, path: str, document: Any = None, token: str | None = None) -> Reply:
    headers = {"Authorization": f"Bearer {token or mirror.admin_token}", "Content-Type": "application/json"}
    body = json.dumps(document).encode() if document is not None else None
    return ask(mirror.url, f"/api/curator/v1{path}", method, headers, body)


_addresses = itertools.count(1)


def visitor(mirror: MirrorProcess) -> Visitor:
    """From an address that nobody else has."""
    number = next(_addresses)
    return Visitor(mirror.url, **{"X-Forwarded-For": f"198.18.{number >> 8}.{number & 255}"})


def link_for(mirror: MirrorProcess, login: str, role: str = "developer") -> str:
    """Of a person who is made if there is none."""
    api(mirror, "POST", "/users", {"login": login, "role": role})
    link: str = api(mirror, "POST", f"/users/{login}/invitation").json["link"]
    return link.removeprefix(mirror.url)


def person(mirror: MirrorProcess, login: str, role: str = "developer", password: str = GOOD) -> Visitor:
    """Somebody who has chosen a password, and is signed in by it."""
    somebody = visitor(mirror)
    somebody.go(link_for(mirror, login, role))
    somebody.send(password=password, again=password)
    assert somebody.reply.status == 200, somebody.text
    return somebody


def signs_in(mirror: MirrorProcess, login: str, password: str, somebody: Visitor | None = None) -> Visitor:
    somebody = somebody or visitor(mirror)
    somebody.go("/-/sign-in?way=password")
    somebody.send(login=login, password=password)
    return somebody


def session_of(somebody: Visitor) -> str:
    return somebody.own_cookies.get("curator_session", "")


def is_known(somebody: Visitor) -> bool:
    somebody.go("/-/account/sign-in")
    return somebody.path == "/-/account/sign-in" and somebody.reply.status == 200


def test_a_person_chooses_a_password_by_a_link_that_is_good_once(guarded: MirrorProcess) -> None:
    link = link_for(guarded, "anna")
    anna = visitor(guarded)
    anna.go(link)
    for bad, again in (("short", "short"), ("anna-anna-anna", "anna-anna-anna"), (GOOD, OTHER)):
        assert anna.send(password=bad, again=again).status == 400, bad
    anna.send(password=GOOD, again=GOOD)
    assert "anna" in anna.text
    assert is_known(anna)
    assert visitor(guarded).go(link).status == 410
    assert is_known(signs_in(guarded, "Anna", GOOD))


def test_a_newer_link_ends_the_older_one_and_choosing_ends_every_session(guarded: MirrorProcess) -> None:
    bea = person(guarded, "bea")
    older, newer = link_for(guarded, "bea"), link_for(guarded, "bea")
    assert visitor(guarded).go(older).status == 410
    elsewhere = visitor(guarded)
    elsewhere.go(newer)
    elsewhere.send(password=OTHER, again=OTHER)
    assert is_known(elsewhere)
    assert not is_known(bea)
    assert signs_in(guarded, "bea", GOOD).reply.status == 401


def test_only_an_administrator_makes_links(guarded: MirrorProcess) -> None:
    api(guarded, "POST", "/users", {"login": "carl", "role": "security"})
    made = api(guarded, "POST", "/tokens", {"name": "carls", "role": "security", "owner": "carl"})
    refused = api(guarded, "POST", "/users/carl/invitation", token=made.json["secret"])
    assert refused.status == 403
    assert api(guarded, "POST", "/users/nobody-of-that-name/invitation").status == 404


def test_each_sign_in_is_a_new_session_whatever_the_browser_had(guarded: MirrorProcess) -> None:
    dora = person(guarded, "dora")
    first = session_of(dora)
    planted = visitor(guarded)
    planted.own_cookies["curator_session"] = "planted-by-somebody-else-0123456789012345678"
    signs_in(guarded, "dora", GOOD, planted)
    assert session_of(planted) not in {first, "planted-by-somebody-else-0123456789012345678", ""}
    assert len(session_of(planted)) >= 43


def test_cookies_are_for_the_browser_alone(guarded: MirrorProcess) -> None:
    somebody = visitor(guarded)
    person(guarded, "eric")
    somebody.go("/-/sign-in?way=password")
    somebody.send(login="eric", password=GOOD, follow=False)
    cookie = next(one for one in somebody.reply.headers["set-cookie"].split("\n") if "session" in one)
    said = cookie.lower()
    for part in ("httponly", "samesite=lax", "path=/"):
        assert part in said
    assert "secure" not in said, "this one is not over https"


def test_below_a_path_of_a_host_cookies_and_forms_stay_below_it(
    hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    variables = {"CURATOR_PUBLIC_URL": "https://bank.example/hf", "CURATOR_ANONYMOUS": "no"}
    with MirrorProcess(tmp_path_factory.mktemp("below") / "data", hub.url, variables) as mirror:
        sent = ask(mirror.local_url, "/hf/-/account/sign-in", headers={"Accept": "text/html"})
        assert (sent.status, sent.headers["location"]) == (303, "/hf/-/sign-in?next=/-/account/sign-in")
        for path in ("/-/sign-in?way=password", "/hf/-/sign-in?way=password"):
            answer = ask(mirror.local_url, path)
            cookie = answer.headers["set-cookie"]
            wanted = "__Secure-curator_sign_in=[^;]+; HttpOnly; Max-Age=900; Path=/hf/; SameSite=lax; Secure"
            assert re.fullmatch(wanted, cookie), cookie
            assert 'action="/hf/-/sign-in"' in answer.body.decode()


def test_a_session_is_for_the_console_and_not_for_the_api(guarded: MirrorProcess) -> None:
    fay = person(guarded, "fay", "admin")
    fay.go("/api/curator/v1/users")
    assert fay.reply.status == 401
    fay.go("/api/whoami-v2")
    assert fay.reply.status in {401, 403}


def test_signing_out_ends_it_also_for_whoever_has_kept_the_cookie(guarded: MirrorProcess) -> None:
    gina = person(guarded, "gina")
    kept = session_of(gina)
    gina.send("/-/sign-out")
    assert gina.path == "/-/signed-out"
    thief = visitor(guarded)
    thief.own_cookies["curator_session"] = kept
    assert not is_known(thief)


def test_what_ends_a_person_ends_his_sessions_at_once(guarded: MirrorProcess) -> None:
    hugo = person(guarded, "hugo")
    assert api(guarded, "PATCH", "/users/hugo", {"role": "reviewer"}).status == 200
    assert not is_known(hugo), "another role wants another sign-in"
    signs_in(guarded, "hugo", GOOD, hugo)
    assert is_known(hugo)
    api(guarded, "POST", "/users/hugo/disable")
    assert not is_known(hugo)
    assert signs_in(guarded, "hugo", GOOD).reply.status == 401


def test_another_password_ends_other_sessions_and_wants_the_old_one(guarded: MirrorProcess) -> None:
    here = person(guarded, "ines")
    there = signs_in(guarded, "ines", GOOD)
    here.go("/-/account/sign-in")
    assert here.send("/password", old="not the old one", password=OTHER, again=OTHER).status == 401
    here.send("/password", old=GOOD, password=OTHER, again=OTHER)
    assert "Your password was changed" in here.text
    assert not is_known(there)
    assert is_known(here)


def test_one_ends_a_session_of_his_own_and_nobody_elses(guarded: MirrorProcess) -> None:
    jan, kim = person(guarded, "jan"), person(guarded, "kim")
    other = signs_in(guarded, "jan", GOOD)
    jan.go("/-/account/sign-in")
    (mine,) = re.findall(r'name="id" value="([0-9a-f]{32})"', jan.text)
    kim.go("/-/account/sign-in")
    kim.send("/end", id=mine)
    kim.go("/-/account/sign-in")
    assert is_known(other)
    jan.send("/end", id=mine)
    assert not is_known(other)


def test_an_administrator_sees_and_ends_sessions_by_the_api(guarded: MirrorProcess) -> None:
    lou = person(guarded, "lou")
    (one,) = api(guarded, "GET", "/sessions?user=lou").json["sessions"]
    assert (one["user"], one["way"], one["own"]) == ("lou", "password", False)
    assert session_of(lou) not in json.dumps(one)
    assert api(guarded, "DELETE", f"/sessions/{one['id']}").status == 200
    assert not is_known(lou)
    assert api(guarded, "DELETE", f"/sessions/{one['id']}").status == 404


def test_a_token_signs_in_to_the_console_and_its_end_is_the_sessions(guarded: MirrorProcess) -> None:
    api(guarded, "POST", "/users", {"login": "mara", "role": "developer"})
    made = api(guarded, "POST", "/tokens", {"name": "laptop", "role": "developer", "owner": "mara"}).json
    mara = visitor(guarded)
    mara.go("/-/sign-in?way=token")
    mara.send(token=f" {made['secret']} ")
    assert is_known(mara)
    api(guarded, "DELETE", f"/tokens/{made['token']['id']}")
    assert not is_known(mara)


def test_a_builds_token_opens_no_console(guarded: MirrorProcess) -> None:
    made = api(guarded, "POST", "/tokens", {"name": "build", "role": "robot"}).json
    robot = visitor(guarded)
    robot.go("/-/sign-in?way=token")
    assert robot.send(token=made["secret"]).status == 403
    assert not session_of(robot)


@pytest.fixture(scope="module")
def nils_is_here(guarded: MirrorProcess) -> None:
    person(guarded, "nils")


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/-/account/sign-in?x=1", "/-/account/sign-in"),
        ("//evil.example/", "/-/"),
        ("/\\evil.example", "/-/"),
        ("/-//evil.example", "/-/"),
        ("/-/../../evil", "/-/"),
        ("https://evil.example/-/", "/-/"),
        ("javascript:alert(1)", "/-/"),
        ("/-/x\r\nSet-Cookie: a=b", "/-/"),
        ("/api/curator/v1/users", "/-/"),
        ("/-/sign-in?next=/-/", "/-/"),
        ("", "/-/"),
    ],
)
def test_one_comes_back_to_a_page_of_the_console_and_nowhere_else(
    guarded: MirrorProcess, nils_is_here: None, wanted: str, reached: str
) -> None:
    nils = visitor(guarded)
    nils.go("/-/sign-in?way=password")
    nils.send(login="nils", password=GOOD, next=wanted, follow=False)
    assert nils.reply.status == 303
    assert nils.reply.headers["location"].partition("?")[0] == reached


def test_a_browser_is_sent_to_sign_in_and_a_program_is_told(guarded: MirrorProcess) -> None:
    person_ = visitor(guarded)
    person_.go("/-/account/sign-in?a=b", follow=False)
    assert (person_.reply.status, person_.reply.headers["location"]) == (
        303,
        "/-/sign-in?next=/-/account/sign-in%3Fa%3Db",
    )
    assert ask(guarded.url, "/-/account/sign-in", headers={"Accept": "application/json"}).status == 401
    olga = person(guarded, "olga")
    olga.go("/-/sign-in/first")
    assert olga.reply.status == 403, "who is known and may not is told so, and not sent round"


def test_forms_of_others_are_refused_and_so_are_those_of_an_older_visit(guarded: MirrorProcess) -> None:
    pia = person(guarded, "pia")
    pia.go("/-/account/sign-in")
    assert pia.send("/-/sign-out", hidden=False).status == 403
    assert pia.send("/-/sign-out", hidden=False, form_token="x" * 43).status == 403
    quin = person(guarded, "quin")
    quin.go("/-/account/sign-in")
    (of_quin,) = set(re.findall(r'name="form_token" value="([^"]+)"', quin.text))
    pia.go("/-/account/sign-in")
    assert pia.send("/-/sign-out", hidden=False, form_token=of_quin).status == 403
    for name, value in (("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")):
        headers = {name: value, "Cookie": f"curator_session={session_of(pia)}"}
        assert ask(guarded.url, "/-/sign-out", "POST", headers, b"").status == 403
    assert is_known(pia)


def test_nobody_is_signed_in_as_somebody_else_by_another_site(guarded: MirrorProcess) -> None:
    person(guarded, "rosa")
    victim, attacker = visitor(guarded), visitor(guarded)
    attacker.go("/-/sign-in?way=password")
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', attacker.text)
    victim.go("/-/sign-in?way=password")
    for shown in ("", token):
        victim.send("/-/sign-in", hidden=False, form_token=shown, way="password", login="rosa", password=GOOD)
        assert victim.reply.status == 403
    assert not session_of(victim)


def test_attempts_are_waited_for_longer_and_longer_and_nobody_else_is_kept_out(guarded: MirrorProcess) -> None:
    person(guarded, "sven")
    mallory = visitor(guarded)
    replies: list[Reply] = []
    # On a slow machine a wait is over before the next attempt; but each is twice as long.
    while not replies or (replies[-1].status == 401 and len(replies) < 12):
        replies.append(signs_in(guarded, "sven", f"wrong number {len(replies)} x", mallory).reply)
    assert len(replies) > 6
    last = replies[-1]
    assert last.status == 429
    assert int(last.headers["retry-after"]) >= 1
    assert signs_in(guarded, "sven", GOOD, mallory).reply.status == 429, "nor is the right one looked at"
    assert is_known(signs_in(guarded, "sven", GOOD)), "he is at another address than whoever guesses"


def test_one_address_cannot_try_one_name_after_the_other(guarded: MirrorProcess) -> None:
    mallory = visitor(guarded)
    seen = set[int]()
    for n in range(33):
        mallory.go("/-/sign-in?way=token")
        seen.add(mallory.send(token=f"hf_cur{n:034d}").status)
    assert seen == {401, 429}


def test_many_at_once_are_counted_one_by_one(guarded: MirrorProcess) -> None:
    person(guarded, "tina")
    statuses: list[int] = []

    def tries(somebody: Visitor) -> None:
        statuses.append(signs_in(guarded, "tina", "wrong all at once", somebody).reply.status)

    address = {"X-Forwarded-For": "203.0.113.250"}
    visitors = [Visitor(guarded.url, **address) for _ in range(12)]
    threads = [threading.Thread(target=tries, args=(one,)) for one in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Six, and one more where the machine is so slow that a wait is over meanwhile.
    assert statuses.count(401) <= 8
    assert set(statuses) == {401, 429}


def test_nobody_learns_which_names_there_are(guarded: MirrorProcess) -> None:
    """Nor by time: what costs time is counted in tests/unit/test_sign_in_tells_nothing.py."""
    person(guarded, "uma")
    person(guarded, "vera")
    api(guarded, "POST", "/users/vera/disable")
    api(guarded, "POST", "/users", {"login": "never-chose", "role": "developer"})
    answers = set()
    for login in ("uma", "vera", "never-chose", "no-such-person"):
        somebody = visitor(guarded)
        somebody.go("/-/sign-in?way=password")
        reply = somebody.send(login=login, password="wrong but long enough")
        answers.add((reply.status, re.sub(r'value="[^"]*"', "", somebody.text)))
    assert len(answers) == 1


def test_sign_ins_and_refusals_are_on_the_record_and_no_secret_is_anywhere(guarded: MirrorProcess) -> None:
    link = link_for(guarded, "will")
    will = visitor(guarded)
    will.go(link)
    will.send(password="secret of will 4711", again="secret of will 4711")
    form = re.findall(r'name="form_token" value="([^"]+)"', will.text)
    signs_in(guarded, "my password by mistake", "typed into the name 12")
    signs_in(guarded, "will", "a wrong one of will 99")
    kept = b"".join(path.read_bytes() for path in guarded.data.rglob("curator.db*")) + guarded.log.read_bytes()
    kept += (guarded.data / "serve.out").read_bytes().replace((guarded.admin_token or "").encode(), b"")
    for secret in (
        "secret of will 4711",
        "my password by mistake",
        "typed into the name 12",
        "a wrong one of will 99",
        link.rpartition("/")[2],
        session_of(will),
        guarded.admin_token or "",
        *form,
    ):
        assert secret.encode() not in kept, secret
    assert b"will signed in to the console by password" in kept
    assert b"An attempt to sign in by password was refused" in kept
    assert b"$argon2id$v=19$m=65536,t=3,p=4$" in kept


def login(mirror: MirrorProcess, typed: str) -> subprocess.CompletedProcess[str]:
    return programs.run("curator.cli", ["login", "--server", mirror.url], bare_environment(), typed)


def test_login_reads_a_token_tries_it_and_prints_what_to_export(guarded: MirrorProcess) -> None:
    api(guarded, "POST", "/users", {"login": "xenia", "role": "developer"})
    secret = api(guarded, "POST", "/tokens", {"name": "laptop", "role": "developer", "owner": "xenia"}).json["secret"]
    done = login(guarded, f"{secret}\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"export HF_ENDPOINT={guarded.url}", f"export HF_TOKEN={secret}"]
    assert "You are xenia there" in done.stderr


@pytest.mark.parametrize(("typed", "said"), [("", "no token of a mirror"), ("hf_cur" + "x" * 34, "does not know")])
def test_login_says_of_a_token_that_is_none_what_to_do(guarded: MirrorProcess, typed: str, said: str) -> None:
    done = login(guarded, typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr

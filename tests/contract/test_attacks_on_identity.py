"""A hostile developer, a thief, and another website, at the door of a running mirror."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from curator.web.headers import UNLESS_SAID
from fixtures.mirror import MirrorProcess
from tests.contract.effort import within
from tests.contract.http import Reply, ask, raw_ask
from tests.contract.test_sign_in import GOOD, api, link_for, person, visitor
from tests.contract.visitor import Visitor

API = "/api/curator/v1"
ROLES = ("developer", "reviewer", "auditor", "security")


@pytest.fixture(scope="module")
def guarded(guarded: MirrorProcess) -> MirrorProcess:
    """With two teams, and a person of each role in one of them."""
    for team in ("risk", "shop"):
        assert api(guarded, "POST", "/teams", {"name": team}).status == 201
    for role in ROLES:
        assert api(guarded, "POST", "/users", {"login": f"a-{role}", "role": role, "team": "risk"}).status == 201
    return guarded


@pytest.fixture(scope="module")
def walker(guarded: MirrorProcess) -> Visitor:
    """Somebody who has signed in."""
    return person(guarded, "walker")


@pytest.fixture(scope="module")
def boss(guarded: MirrorProcess) -> Visitor:
    """An administrator who has."""
    return person(guarded, "boss", "admin")


def cookies_of(somebody: Visitor) -> str:
    return "; ".join(f"{name}={value}" for name, value in somebody.own_cookies.items())


def token_of(mirror: MirrorProcess, login: str, role: str = "developer", **more: Any) -> str:
    made = api(mirror, "POST", "/tokens", {"name": f"t{time.monotonic_ns()}", "role": role, "owner": login, **more})
    assert made.status == 201, made.body
    return str(made.json["secret"])


def refused(reply: Reply) -> bool:
    return reply.status in {400, 401, 403, 404, 405, 409, 422}


@pytest.mark.parametrize("role", ROLES)
def test_nobody_makes_himself_more_than_he_is(guarded: MirrorProcess, role: str) -> None:
    login = f"a-{role}"
    token = token_of(guarded, login, role)
    attempts: list[tuple[str, str, Any]] = [
        ("POST", "/account/tokens", {"name": "x", "role": "admin"}),
        ("POST", "/tokens", {"name": "x", "role": role, "owner": login}),
        ("PATCH", f"/users/{login}", {"role": "admin"}),
        ("PATCH", "/account", {"role": "admin"}),
        ("PATCH", "/account", {"full_name": "x", "role": "admin", "login": "root"}),
        ("PATCH", "/account", {"team": "shop"}),
        ("POST", "/account/tokens", {"name": "x", "role": "developer", "team": "shop"}),
        ("POST", "/account/tokens", {"name": "x", "role": "developer", "owner": "root"}),
        ("POST", "/account/tokens", {"name": "x", "role": "developer", "user_id": "0" * 32, "job": "x"}),
        ("PUT", f"/teams/shop/members/{login}", None),
        ("POST", f"/users/{login}/invitation", None),
        ("GET", "/sessions?user=a-developer", None),
    ]
    wrong = [one for one in attempts if not refused(api(guarded, *one, token=token))]
    assert wrong == []
    account = api(guarded, "GET", "/account", token=token).json
    assert (account["role"], account["team"], account["user"]["teams"]) == (role, "risk", ["risk"])


def test_what_is_another_persons_is_nobodys_by_its_id(guarded: MirrorProcess) -> None:
    victim = person(guarded, "victim")
    api(guarded, "PUT", "/teams/shop/members/victim")
    theirs = token_of(guarded, "victim", team="shop")
    (session,) = api(guarded, "GET", "/sessions?user=victim").json["sessions"]
    tokens = api(guarded, "GET", "/account/tokens", token=theirs).json["tokens"]
    thief = token_of(guarded, "a-developer")
    for method, path in (
        ("DELETE", f"/sessions/{session['id']}"),
        ("DELETE", f"/account/tokens/{tokens[0]['id']}"),
        ("POST", f"/account/tokens/{tokens[0]['id']}/rotate"),
        ("GET", f"/tokens/{tokens[0]['id']}"),
        ("DELETE", f"/tokens/{tokens[0]['id']}"),
        ("GET", "/users/victim"),
        ("GET", "/explain?repo=acme-research/tiny-bert&team=shop"),
        ("GET", "/requests?mine=false&after=%00"),
    ):
        reply = api(guarded, method, path, {} if method == "POST" else None, token=thief)
        assert refused(reply), (method, path, reply.status, reply.body)
    assert victim.go("/-/account").status == 200
    assert api(guarded, "GET", "/account", token=theirs).status == 200


def test_a_key_of_another_callers_request_says_nothing_and_none_is_kept_of_a_password(guarded: MirrorProcess) -> None:
    body = json.dumps({"name": "keyed", "title": "x"}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    admin = headers | {"Authorization": f"Bearer {guarded.admin_token}"}
    assert ask(guarded.url, f"{API}/teams", "POST", admin, body).status == 201
    other = headers | {"Authorization": f"Bearer {token_of(guarded, 'a-security', 'security')}"}
    again = ask(guarded.url, f"{API}/teams", "POST", other, body)
    assert (again.status, "idempotency-replayed" in again.headers) == (403, False)
    person(guarded, "keyed")
    own = headers | {"Authorization": f"Bearer {token_of(guarded, 'keyed')}"}
    for path in ("/account/password", "/account/password/"):
        ask(guarded.url, f"{API}{path}", "POST", own, json.dumps({"old": GOOD, "new": f"{GOOD} indeed"}).encode())
    import sqlite3

    database = sqlite3.connect(guarded.data / "curator.db")
    assert database.execute("SELECT count(*) FROM repeated").fetchone() == (1,)
    database.close()


@pytest.mark.parametrize(
    "path",
    [
        "/-/../api/curator/v1/account",
        "/-/%2e%2e/api/curator/v1/account",
        "/-//api/curator/v1/account",
        "//api/curator/v1/account",
        "/api/curator/v1/account/",
        "/api/curator/v1/account.",
        "/api/curator/v1//account",
        "/api/curator/v1/./account",
        "/API/curator/v1/account",
        "/-/x/../account",
        "/-%2faccount",
        "/%2d/account",
        "/-/account%00",
        "/-\\account",
        "/-/account;x=1",
    ],
)
def test_no_writing_of_an_address_opens_what_another_keeps_shut(
    guarded: MirrorProcess, walker: Visitor, path: str
) -> None:
    reply = ask(guarded.url, path, headers={"Cookie": cookies_of(walker)})
    assert b"walker" not in reply.body
    assert reply.status != 200 or b"walker" not in reply.body


def test_a_session_opens_the_console_and_never_the_api(guarded: MirrorProcess, walker: Visitor) -> None:
    for method, path in (("GET", "/account"), ("PATCH", "/account"), ("POST", "/account/tokens"), ("GET", "/sessions")):
        headers = {"Cookie": cookies_of(walker), "Content-Type": "application/json"}
        reply = ask(guarded.url, f"{API}{path}", method, headers, b'{"name": "x"}' if method != "GET" else None)
        assert reply.status == 401, (method, path, reply.status)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "CONNECT", "PROPFIND"])
def test_no_method_does_what_a_form_is_for(guarded: MirrorProcess, walker: Visitor, method: str) -> None:
    cookies = cookies_of(walker)
    for path in ("/-/sign-out", "/-/account/tokens", "/-/account"):
        headers = {"Cookie": cookies, "X-HTTP-Method-Override": "POST", "X-Original-URL": "/-/people/users"}
        reply = ask(guarded.url, path, method, headers)
        assert reply.status in {200, 400, 404, 405}, (path, reply.status)
        assert "access-control-allow-origin" not in reply.headers
    assert walker.go("/-/account").status == 200
    assert "walker" in walker.text


FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/-/sign-out", {}),
    ("/-/account", {"full_name": "pwned"}),
    ("/-/account/tokens", {"name": "pwned", "role": "developer"}),
    ("/-/account/sign-in/password", {"old": GOOD, "password": "pwned " * 4, "again": "pwned " * 4}),
    ("/-/people/users", {"login": "pwned", "role": "admin"}),
    ("/-/theme", {"theme": "dark", "back": "https://elsewhere.example"}),
    ("/-/rules/edit", {"source": "pwned", "do": "save"}),
    ("/-/notices/webhooks", {"name": "pwned", "url": "https://elsewhere.example/"}),
    ("/-/activity/holds", {"reason": "pwned"}),
)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
    ids=str,
)
def test_no_other_site_sends_a_form_and_no_page_of_ours_without_its_token(
    guarded: MirrorProcess, boss: Visitor, headers: dict[str, str]
) -> None:
    from urllib.parse import urlencode

    for path, fields in FORMS:
        sent = {"Cookie": cookies_of(boss), "Content-Type": "application/x-www-form-urlencoded"} | headers
        for token in ({}, {"form_token": "x"}, {"form_token": ""}):
            reply = ask(guarded.url, path, "POST", sent, urlencode(fields | token).encode())
            assert reply.status in {403, 404}, (path, headers, reply.status)
        for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
            reply = ask(guarded.url, path, "POST", sent | {"Content-Type": kind}, urlencode(fields).encode())
            assert reply.status in {400, 403, 404}, (path, kind, reply.status)
    assert boss.go("/-/account").status == 200
    assert "pwned" not in boss.text
    assert api(guarded, "GET", "/users/pwned").status == 404


def test_another_site_signs_nobody_in_as_whom_it_likes(guarded: MirrorProcess) -> None:
    link_for(guarded, "mallory")
    attacker, victim = visitor(guarded), visitor(guarded)
    attacker.go("/-/sign-in")
    form = attacker.reply.body.decode().partition('name="form_token" value="')[2].partition('"')[0]
    victim.go("/-/sign-in")
    victim.send(hidden=False, way="password", login="mallory", password=GOOD, form_token=form)
    assert victim.reply.status == 403


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.example",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/-/\\elsewhere.example",
        "/-//elsewhere.example",
        "/-/../../elsewhere",
        "javascript:alert(1)",
        "/-/%0d%0aLocation:https://elsewhere.example",
        "/-/\r\nSet-Cookie: a=b",
        "/-/sign-out",
        "/api/curator/v1/account",
        "/mallory/page/resolve/main/x.html",
        "@elsewhere.example",
        "/-/@elsewhere.example:80//x",
    ],
)
def test_nobody_is_led_elsewhere_after_sign_in(walker: Visitor, wanted: str) -> None:
    from urllib.parse import quote, urlsplit

    reply = walker.go(f"/-/sign-in?next={quote(wanted)}", follow=False)
    to = urlsplit(reply.headers["location"])
    assert (reply.status, to.scheme, to.netloc) == (303, "", "")
    assert to.path.startswith("/-/")
    assert not to.path.startswith("/-//")
    assert "a=b" not in reply.headers.get("set-cookie", "")


def test_a_session_that_was_planted_is_not_the_one_that_one_gets(guarded: MirrorProcess) -> None:
    link = link_for(guarded, "fixed")
    somebody = visitor(guarded)
    somebody.own_cookies["curator_session"] = "planted" * 6
    somebody.go(link)
    somebody.send(password=GOOD, again=GOOD, follow=False)
    (line,) = [one for one in somebody.reply.headers["set-cookie"].split("\n") if one.startswith("curator_session=")]
    assert "planted" not in line
    assert "httponly" in line.lower()
    assert "samesite=lax" in line.lower()
    assert somebody.own_cookies["curator_session"] != "planted" * 6


def test_each_answer_whatever_it_is_tells_browsers_to_keep_nothing_frame_nothing_and_guess_nothing(
    guarded: MirrorProcess,
) -> None:
    key = {"Authorization": f"Bearer {guarded.admin_token}"}
    html = {"Accept": "text/html"}
    for path, headers, method in (
        ("/healthz", {}, "GET"),
        ("/readyz", {}, "GET"),
        ("/", html, "GET"),
        ("/", {}, "GET"),
        ("/robots.txt", {}, "GET"),
        ("/favicon.ico", {}, "GET"),
        ("/-/static/x/console.css", {}, "GET"),
        ("/-/static/x/nothing", {}, "GET"),
        ("/-/", html, "GET"),
        ("/-/", html | key, "GET"),
        ("/-/nowhere", html | key, "GET"),
        ("/-/sign-in", html, "GET"),
        ("/-/sign-in/answer?state=x", html, "GET"),
        ("/-/choose-password/nothing", html, "GET"),
        ("/-/sign-out", html, "POST"),
        ("/-/live/events", key, "OPTIONS"),
        (f"{API}/account", {}, "GET"),
        (f"{API}/users", key, "GET"),
        (f"{API}/openapi.json", key, "GET"),
        (f"{API}/record/export", key, "GET"),
        (f"{API}/nowhere", key, "GET"),
        (f"{API}/users", key, "PUT"),
        (f"{API}/sign-in/pipeline", {}, "POST"),
        ("/-/rules/edit", html | key, "GET"),
    ):
        reply = ask(guarded.url, path, method, headers)
        missing = [name.decode() for name, _ in UNLESS_SAID if name.decode() not in reply.headers]
        assert missing == [], (path, reply.status, missing)
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        if "static" not in path and path != "/favicon.ico":
            assert "no-store" in reply.headers["cache-control"], path
        assert "server" not in reply.headers


def test_who_is_there_is_not_told_by_what_is_answered(guarded: MirrorProcess) -> None:
    person(guarded, "there")
    link_for(guarded, "invited")
    said = set()
    for login in ("there", "invited", "nobody", "a-auditor", "THERE"):
        somebody = visitor(guarded)
        somebody.go("/-/sign-in")
        somebody.send(way="password", login=login, password="a wrong password")
        said.add((somebody.reply.status, somebody.text.replace(login, "").partition('class="alert')[2][:300]))
        assert somebody.reply.status == 401
    assert len(said) == 1
    tokens = {ask(guarded.url, f"{API}/account", headers={"Authorization": f"Bearer hf_cur{'x' * 34}"}).body}
    tokens.add(ask(guarded.url, f"{API}/account", headers={"Authorization": f"Bearer hf_cur{'y' * 34}"}).body)
    assert len(tokens) == 1


def test_a_password_of_megabytes_is_wrong_at_once_and_two_links_at_once_are_one(guarded: MirrorProcess) -> None:
    person(guarded, "long")
    somebody = visitor(guarded)
    somebody.go("/-/sign-in")
    with within(guarded, 5):
        somebody.send(way="password", login="long", password=GOOD + "\ufdfa" * 100_000)
    assert somebody.reply.status == 401
    from concurrent.futures import ThreadPoolExecutor

    link = link_for(guarded, "twice")
    windows = [visitor(guarded) for _ in range(4)]
    for window in windows:
        window.go(link)

    def choose(window: Visitor) -> int:
        return window.send(password=GOOD, again=GOOD, follow=False).status

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(choose, windows)) == [303, 410, 410, 410]


def test_what_a_proxy_is_said_to_have_said_counts_only_from_a_proxy(strict: MirrorProcess) -> None:
    statuses = []
    for number in range(34):
        somebody = Visitor(strict.url, **{"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": "for=203.0.113.9"})
        somebody.go("/-/sign-in")
        statuses.append(somebody.send(way="token", token=f"hf_cur{number:034}").status)
    assert 429 in statuses
    rows = api(strict, "GET", "/record?action=sign-in").json["rows"]
    assert {row["address"] for row in rows} == {"127.0.0.1"}


def test_requests_that_servers_read_differently_are_not_read_at_all(guarded: MirrorProcess) -> None:
    host = guarded.url.removeprefix("http://")
    for lines in (
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Content-Length: +5",
    ):
        smuggled = f"GET {API}/account HTTP/1.1\r\nHost: {host}\r\n\r\n"
        sent = f"POST {API}/sign-in/pipeline HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n\r\n0\r\n\r\n{smuggled}"
        answer = raw_ask(guarded.url, sent.encode())
        assert answer.count(b"HTTP/1.1 ") == 1, (lines, answer[:400])
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), (lines, answer[:200])


@pytest.mark.parametrize("way", ["disabled", "another role", "another password", "a new link"])
def test_a_session_that_a_change_has_ended_does_not_come_back_with_the_next(guarded: MirrorProcess, way: str) -> None:
    login = f"shift-{way.replace(' ', '-')}"
    somebody = person(guarded, login)
    assert somebody.go("/-/account/sign-in", follow=False).status == 200
    if way == "disabled":
        changes: list[tuple[str, str, Any]] = [
            ("POST", f"/users/{login}/disable", None),
            ("POST", f"/users/{login}/enable", None),
        ]
    elif way == "another role":
        changes = [("PATCH", f"/users/{login}", {"role": role}) for role in ("auditor", "developer")]
    elif way == "another password":
        own = {"Authorization": f"Bearer {token_of(guarded, login)}", "Content-Type": "application/json"}
        document = json.dumps({"old": GOOD, "new": f"{GOOD} indeed"}).encode()
        assert ask(guarded.url, f"{API}/account/password", "POST", own, document).status == 200
        changes = []
    else:
        window = visitor(guarded)
        window.go(link_for(guarded, login))
        window.send(password=f"{GOOD} anew", again=f"{GOOD} anew")
        changes = []
    for change in changes:
        assert api(guarded, *change).status == 200
    assert somebody.go("/-/account/sign-in", follow=False).status == 303


def test_a_user_agent_that_is_hostile_is_words_where_it_is_shown_and_no_line_of_the_log(guarded: MirrorProcess) -> None:
    link = link_for(guarded, "agent")
    somebody = visitor(guarded)
    somebody.headers["User-Agent"] = "<script>alert(1)</script>\t\"'>\x9b31m INFO curator.access forged"
    somebody.go(link)
    somebody.send(password=GOOD, again=GOOD)
    somebody.go("/-/account/sign-in")
    assert b"<script>alert" not in somebody.reply.body
    assert b"\xc2\x9b" not in guarded.log.read_bytes()

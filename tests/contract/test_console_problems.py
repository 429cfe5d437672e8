"""What a browser is shown where something goes wrong in the console, and what a program is told there."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from curator.console.problems import failed
from curator.console.theme import own_path
from curator.database.engine import Database, new_id
from curator.people.cookies import Cookies
from curator.people.roles import Role
from curator.people.tokens import create_token
from curator.settings import Settings
from fixtures.mirror import MirrorProcess
from tests.contract.conftest import Front
from tests.contract.http import Reply, ask

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HOSTILE = "%3Cscript%3Ealert(1)%3C/script%3E"


def is_page(reply: Reply) -> str:
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.headers["cache-control"] == "private, no-store"
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    return reply.body.decode()


def test_what_is_not_there_is_a_page_for_browsers_and_json_for_programs(mirror: MirrorProcess) -> None:
    for path in ("/-/nothing", f"/-/nothing/{HOSTILE}", f"/-/static/x/{HOSTILE}"):
        page = is_page(reply := ask(mirror.url, path, headers=HTML))
        assert reply.status in {400, 404}, path
        assert "<script>alert" not in page
        assert "<h1>" in page
        program = ask(mirror.url, path)
        assert program.status == reply.status
        assert set(program.json) >= {"error", "exit_code"}, path


def test_another_method_is_told_which_there_are(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/-/", "DELETE", HTML)
    assert reply.status == 405
    assert "This address answers to GET only" in is_page(reply)


def test_whoever_may_not_is_told_so_and_by_whom_he_could(mirror: MirrorProcess) -> None:
    token = create_token(Database(f"sqlite:///{mirror.data}/curator.db"), new_id(), Role.DEVELOPER)
    reply = ask(mirror.url, "/-/settings", headers=HTML | {"Authorization": f"Bearer {token}"})
    assert reply.status == 403
    assert "wants one of" in is_page(reply)


def test_whoever_is_not_known_is_shown_no_navigation(strict: MirrorProcess) -> None:
    reply = ask(strict.url, "/-/live", headers=HTML)
    if reply.status == 303:
        assert "/-/" in reply.headers["location"]
        return
    assert reply.status == 401
    page = is_page(reply)
    assert 'aria-label="Console"' not in page
    assert "Sign in" in page


def test_browsers_are_sent_to_the_console_and_programs_told_what_to_set(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/", headers=HTML)
    assert (reply.status, reply.headers["location"], reply.headers["vary"]) == (303, "/-/", "Accept")
    assert f"export HF_ENDPOINT={mirror.url}" in ask(mirror.url, "/").body.decode()
    assert f"export HF_ENDPOINT={mirror.url}" in ask(mirror.url, "/", headers={"Accept": "*/*"}).body.decode()


def test_nobody_finds_the_mirror_by_a_search_engine(mirror: MirrorProcess) -> None:
    assert b"Disallow: /\n" in ask(mirror.url, "/robots.txt").body
    assert ask(mirror.url, "/favicon.ico").headers["content-type"].startswith("image/svg+xml")


def test_a_failure_that_nobody_foresaw_is_a_page_with_a_number_and_not_its_cause() -> None:
    app = FastAPI()
    app.state.sign_in = SimpleNamespace(cookies=Cookies.of(Settings()))
    app.add_exception_handler(Exception, lambda request, _: failed(request))

    @app.get("/-/fails")
    def fails() -> None:
        raise ValueError("a secret of the inside")

    client = TestClient(app, raise_server_exceptions=False)
    page = client.get("/-/fails", headers=HTML)
    assert page.status_code == 500
    assert re.search(r"failed inside, at request [0-9a-f]{32}", page.text)
    assert "secret" not in page.text
    program = client.get("/-/fails")
    assert program.status_code == 500
    assert "failed inside" in program.json()["error"]


def choose_theme(mirror: MirrorProcess, theme: str, back: str, **headers: str) -> Reply:
    body = f"theme={theme}&back={back}".encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"} | headers
    return ask(mirror.url, "/-/theme", "POST", sent, body)


def test_a_theme_is_kept_and_one_that_there_is_not_is_none(mirror: MirrorProcess) -> None:
    reply = choose_theme(mirror, "dark", "/-/rules%3Fq=1")
    assert (reply.status, reply.headers["location"]) == (303, "/-/rules?q=1")
    cookie = SimpleCookie(reply.headers["set-cookie"])["curator_theme"]
    assert (cookie.value, cookie["path"], cookie["httponly"], cookie["samesite"]) == ("dark", "/-/", True, "lax")
    assert 'data-theme="dark"' in ask(mirror.url, "/-/", headers={"Cookie": "curator_theme=dark"}).body.decode()
    hostile = ask(mirror.url, "/-/", headers={"Cookie": 'curator_theme="><script>'}).body.decode()
    assert "data-theme" not in hostile
    assert choose_theme(mirror, "neon", "/-/").headers["set-cookie"].startswith('curator_theme=""')


def test_a_theme_that_another_site_chooses_is_not_chosen(mirror: MirrorProcess) -> None:
    assert choose_theme(mirror, "dark", "/-/", **{"Sec-Fetch-Site": "cross-site"}).status == 403


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/-/", "/-/\\evil", "/-/\r\nSet-Cookie: a=b", "", "/", "/-/" + "é"]
)
def test_after_a_form_one_is_never_led_to_another_site(back: str) -> None:
    assert own_path(back) == "/-/"


def test_below_a_path_links_and_cookies_begin_with_it(front: Front) -> None:
    for prefix in ("/hf", ""):
        # Whether or not a proxy has taken the path off.
        page = ask(front.mirror_url, f"{prefix}/-/").body.decode()
        links = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page)
        assert links
        assert all(link.startswith("/hf/-/") for link in links), links
        asset = next(link for link in links if link.endswith(".css"))
        assert ask(front.mirror_url, asset).status == 200
        body, kind = b"theme=dark&back=/-/", {"Content-Type": "application/x-www-form-urlencoded"}
        chosen = ask(front.mirror_url, f"{prefix}/-/theme", "POST", kind, body)
        assert chosen.headers["location"] == "/hf/-/"
        assert "Path=/hf/-/" in chosen.headers["set-cookie"]
        assert ask(front.mirror_url, f"{prefix}/", headers=HTML).headers["location"] == "/hf/-/"

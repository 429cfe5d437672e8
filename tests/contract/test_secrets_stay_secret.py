"""After a morning of sign-ins, tokens, links and webhooks, what a thief finds in log, database, exports and pages."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask
from tests.contract.test_sign_in import GOOD, api, link_for, visitor

API = "/api/curator/v1"
NEW = "violet harbour lantern 9"
HUBS = "hf_" + "wQ7e" * 8 + "zz"
SMTP, CLIENT, WRONG = "smtp-pass-7Q2x9", "oidc-client-4Zt8w", "wrong guess of mine 5"


def test_no_log_row_export_or_page_has_a_secret_of_anybody(hub: FixtureHub, tmp_path: Path) -> None:
    variables = {
        "CURATOR_ANONYMOUS": "no",
        "CURATOR_SMTP_HOST": "127.0.0.1",
        "CURATOR_SMTP_FROM": "curator@example.org",
        "CURATOR_SMTP_USER": "curator",
        "CURATOR_SMTP_PASSWORD": SMTP,
    }
    with MirrorProcess(tmp_path / "data", hub.url, variables) as mirror:
        assert mirror.admin_token is not None
        link = link_for(mirror, "ada", "admin")
        ada = visitor(mirror)
        ada.go(link)
        ada.send(password=GOOD, again=GOOD)
        session = ada.own_cookies["curator_session"]
        made = api(mirror, "POST", "/tokens", {"name": "laptop", "role": "admin", "owner": "ada"}).json["secret"]
        key = {"Authorization": f"Bearer {made}", "Content-Type": "application/json", "Idempotency-Key": "k1"}
        change = json.dumps({"old": GOOD, "new": NEW}).encode()
        assert ask(mirror.url, f"{API}/account/password", "POST", key, change).status == 200
        body = json.dumps({"name": "second", "role": "developer"}).encode()
        second = ask(mirror.url, f"{API}/account/tokens", "POST", key | {"Idempotency-Key": "k2"}, body).json["secret"]
        hook = {"name": "hook", "url": "https://93.184.215.14/path-secret-8x"}
        secret = api(mirror, "POST", "/webhooks", hook).json.get("secret", "whsec_none")
        identity = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL3guZXhhbXBsZSJ9.c2lnbmF0dXJl"
        api(mirror, "POST", "/sign-in/pipeline", {"token": identity})
        for login, password in (("ada", WRONG), (WRONG, GOOD)):
            stranger = visitor(mirror)
            stranger.go("/-/sign-in")
            stranger.send(way="password", login=login, password=password)
        stranger.go(f"/-/sign-in/answer?code=oidc-code-9k&state={session}")
        for path in (f"{link}/x", f"{link}?x=%ff", f"/-/choose-password/{session}", f"/x/y/resolve/main/{'a' * 9}"):
            ask(mirror.url, path, headers={"Authorization": f"Bearer {second}", "Accept": "text/html"})
        ask(mirror.url, "/x/y/resolve/main/f", headers={"Authorization": "Basic dXNlcjpiYXNpYy1zZWNyZXQ="})
        admin = {"Authorization": f"Bearer {mirror.admin_token}"}
        refused = _typed_everywhere(mirror.url, second, admin)
        pages = ("/-/settings", "/-/activity", "/-/people/tokens", "/-/notices/webhooks", "/-/account")
        told = b"".join(ask(mirror.url, path, headers=admin | {"Accept": "text/html"}).body for path in pages)
        told += b"".join(
            ask(mirror.url, f"{API}{path}", headers=admin).body
            for path in (
                "/record/export",
                "/settings",
                "/state",
                "/tokens",
                "/users",
                "/webhooks",
                "/sessions?user=ada",
            )
        )
    told += mirror.log.read_bytes() + refused
    database = sqlite3.connect(tmp_path / "data" / "curator.db")
    told += "\n".join(database.iterdump()).encode()
    database.close()
    secrets = {
        "the first token": mirror.admin_token,
        "a token": made,
        "a token of his own": second,
        "one of the Hub, typed into addresses": HUBS,
        "a session": session,
        "a link": link.rpartition("/")[2],
        "a password": GOOD,
        "the new one": NEW,
        "a wrong one": WRONG,
        "the one of the mail server": SMTP,
        "the secret of a webhook": secret,
        "an identity token": identity,
        "a code of the provider": "oidc-code-9k",
        "somebody's basic credentials": "basic-secret",
    }
    assert [name for name, text in secrets.items() if text.encode() in told] == []


def _typed_everywhere(url: str, ours: str, admin: dict[str, str]) -> bytes:
    """Two tokens where people and programs put them by mistake; what each was told."""
    told, shown = b"", list[str]()
    json_body = {"Content-Type": "application/json"}
    for token in (ours, HUBS):
        for path in (
            f"/{token}",
            f"/{token}/resolve/main/config.json",
            f"/acme/{token}/resolve/main/config.json",
            f"/acme-research/tiny-bert/resolve/{token}/config.json",
            f"/acme-research/tiny-bert/resolve/main/{token}",
            f"/acme-research/tiny-bert/resolve/main/config.json?token={token}",
            f"/api/models?search={token}",
            f"/api/models/{token}",
            f"/{token}.git/info/refs",
            f"/api/kernels/{token}/x",
            f"/v2/{token}/x/manifests/latest",
            f"/nothing/at/all/{token}",
            f"{API}/account?token={token}",
            f"{API}/{token}",
            f"{API}/explain?repo={token}",
            f"{API}/record?actor={token}",
            f"/-/?token={token}",
            f"/-/catalog?q={token}",
            f"/-/models/{token}",
            f"/-/decisions/{token}",
            f"/-/{token}",
            f"/-/theme?back={token}",
        ):
            for headers in (admin, admin | {"Accept": "text/html"}, {"Accept": "text/html"}):
                sent = headers | {"Referer": f"{url}/x?token={token}", "User-Agent": f"curl/8 ({token})"}
                reply = ask(url, path, headers=sent)
                assert reply.status < 500, (path, reply.status)
                if token.encode() in reply.body + str(reply.headers).encode():
                    shown.append(f"{path} ({reply.status})")
        for path, document in (
            ("/requests", {"repository": "acme-research/tiny-bert", "reason": f"my key is {token}"}),
            ("/requests", {"repository": token, "reason": "mine"}),
            ("/lists", {"effect": "block", "targets": ["evil/*"], "reason": token}),
            ("/record/holds", {"reason": token, "actor": "x"}),
            ("/teams", {"name": "t" + token[:8], "title": token}),
            ("/tokens", {"name": token, "role": "developer"}),
            ("/webhooks", {"name": token, "url": "https://93.184.215.14/x"}),
        ):
            reply = ask(url, f"{API}{path}", "POST", admin | json_body, json.dumps(document).encode())
            assert reply.status in {400, 422}, (path, reply.status, reply.body)
            told += reply.body
        keyed = admin | json_body | {"Idempotency-Key": token}
        told += ask(url, f"{API}/teams", "POST", keyed, b'{"name": "keyed"}').body
    assert shown == []
    return told

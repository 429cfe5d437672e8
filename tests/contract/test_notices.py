"""From something that happens to whoever is told of it: a whole mirror, a real receiver and a real mail server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mailbox import PASSWORD, USER, MailServer
from fixtures.mirror import MirrorProcess
from fixtures.receiver import Receiver
from tests.certificates import make_certificates
from tests.contract.clients import curator
from tests.contract.http import Reply, ask, settled
from tests.unit.notify.test_delivering import verified

API = "/api/curator/v1"
TINY = "acme-research/tiny-bert"


@dataclass(frozen=True)
class House:
    """A mirror with people, a chat and a mail server."""

    mirror: MirrorProcess
    chat: Receiver
    mail: MailServer
    secret: str
    rita: str
    """Token of a reviewer."""
    dora: str
    """Token of a developer of the team risk."""


def call(mirror: MirrorProcess, token: str | None, method: str, path: str, document: Any = None) -> Reply:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = None
    if document is not None:
        headers["Content-Type"], body = "application/json", json.dumps(document).encode()
    return ask(mirror.url, f"{API}{path}", method, headers, body)


def by_admin(mirror: MirrorProcess, method: str, path: str, document: Any = None) -> Any:
    reply = call(mirror, mirror.admin_token, method, path, document)
    assert reply.status < 300, reply.body
    return reply.json


def person(mirror: MirrorProcess, login: str, role: str, team: str = "") -> str:
    wanted = {"login": login, "role": role, "email": f"{login}@bank.example", "team": team}
    by_admin(mirror, "POST", "/users", wanted)
    made = by_admin(mirror, "POST", "/tokens", {"name": "laptop", "owner": login, "role": role, "team": team})
    return str(made["secret"])


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    certificates = make_certificates(folder)
    with (
        Receiver(folder / "chat") as chat,
        MailServer(folder / "mail", "starttls", certificates.server) as mail,
        MirrorProcess(
            folder / "data",
            hub.url,
            {
                "CURATOR_WEBHOOK_ALLOW": "127.0.0.1",
                "CURATOR_UPSTREAM_CA": str(certificates.authority),
                "CURATOR_SMTP_HOST": "127.0.0.1",
                "CURATOR_SMTP_PORT": str(mail.port),
                "CURATOR_SMTP_USER": USER,
                "CURATOR_SMTP_PASSWORD": PASSWORD,
                "CURATOR_SMTP_FROM": "curator@bank.example",
            },
        ) as mirror,
    ):
        by_admin(mirror, "POST", "/teams", {"name": "risk"})
        rita = person(mirror, "rita", "reviewer")
        dora = person(mirror, "dora", "developer", "risk")
        made = by_admin(mirror, "POST", "/webhooks", {"name": "chat", "url": chat.url})
        yield House(mirror, chat, mail, made["secret"], rita, dora)


def of_type(chat: Receiver, kind: str, count: int = 1) -> list[dict[str, Any]]:
    """Requests with a notice of this type, once there are so many."""
    came = chat.wait_for(count)
    while len(found := [one for one in came if json.loads(one["body"])["type"] == kind]) < count:
        came = chat.wait_for(len(came) + 1)
    return found


def mailed_to(house: House, address: str, count: int = 1, about: str = "") -> list[EmailMessage]:
    """Mails to this address with these words in their subjects, once there are so many."""
    came = house.mail.wait_for(count)
    while len(found := [mail for mail in came if mail["To"] == address and about in mail["Subject"]]) < count:
        came = house.mail.wait_for(len(came) + 1)
    return found


def test_a_model_that_is_blocked_is_told_to_the_chat_within_seconds(house: House) -> None:
    settled(house.mirror.url, "/api/models/mallory/shell-in-a-pickle")
    request = of_type(house.chat, "model.blocked")[0]
    assert verified(house.secret, request)
    document = json.loads(request["body"])
    assert document["data"]["repository"] == "mallory/shell-in-a-pickle"
    page = ask(house.mirror.url, document["link"].removeprefix(house.mirror.url))
    assert page.status == 200, "the link leads somewhere"


def test_a_team_that_pulled_what_is_blocked_later_is_told_at_once_by_mail_and_in_the_inbox(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.dora}"}
    assert settled(house.mirror.url, f"/api/models/{TINY}", headers=headers).status == 200
    assert ask(house.mirror.url, f"/{TINY}/resolve/main/config.json", headers=headers).status == 200
    wanted = {"effect": "block", "targets": [TINY], "reason": "the publisher's account was stolen", "until": "30d"}
    by_admin(house.mirror, "POST", "/lists", wanted)
    whole = json.loads(of_type(house.chat, "decision.reversed")[0]["body"])
    assert [(one["team"], one["token"]) for one in whole["data"]["used_by"]] == [("risk", "dora")]
    for address in ("rita@bank.example", "dora@bank.example"):
        assert mailed_to(house, address, about="tiny-bert")
    inbox = call(house.mirror, house.dora, "GET", "/notices").json
    assert [one["type"] for one in inbox["notices"]] == ["decision.reversed"]
    assert inbox["unread"] == 1
    assert call(house.mirror, house.dora, "POST", "/notices/read", {}).json == {"read": 1}
    assert call(house.mirror, house.dora, "GET", "/notices?unread=true").json["notices"] == []


def test_a_person_chooses_how_to_be_told_and_nobody_else_is_changed(house: House) -> None:
    before = call(house.mirror, house.dora, "GET", "/notices/choices").json
    assert before["chosen"] is False
    assert before["ways"]["decided"] == "now"
    wanted = {"ways": {"decided": "inbox"}, "rhythm": "weekly", "hour": 9, "utc_offset": 60, "repos": ["acme/*"]}
    after = call(house.mirror, house.rita, "PUT", "/notices/choices", wanted).json
    assert (after["chosen"], after["ways"]["decided"], after["ways"]["held"]) == (True, "inbox", "off")
    assert call(house.mirror, house.dora, "GET", "/notices/choices").json == before
    for bad in ({"ways": {"eaten": "now"}}, {"ways": {}, "hour": 24}, {"ways": {}, "repos": ["a b"]}, {"x": 1}):
        reply = call(house.mirror, house.rita, "PUT", "/notices/choices", bad)
        assert reply.status in {400, 422}, bad
        assert reply.json["error"]
    assert call(house.mirror, house.mirror.admin_token, "GET", "/notices/choices").status == 409


def test_a_team_is_told_by_mail_of_its_requests_and_of_nobody_elses(house: House) -> None:
    address = "risk-models@bank.example"
    shown = notify(house, "mailbox", "risk")
    assert (shown.returncode, "has no mailbox" in shown.stderr) == (2, True), shown.stderr
    kept = notify(house, "mailbox", "risk", address, "--now", "asked", "--now", "decided")
    assert kept.returncode == 0, kept.stderr
    assert f"is told by mail to {address}" in kept.stdout
    for token in (house.rita, house.dora):
        assert call(house.mirror, token, "PUT", "/teams/risk/mailbox", {"address": "x@y.example"}).status == 403
    headers = {"Authorization": f"Bearer {house.dora}"}
    settled(house.mirror.url, "/api/models/mallory/shell-in-a-pickle", headers=headers)
    wanted = {"repository": "mallory/shell-in-a-pickle", "reason": "A test, it never leaves the lab"}
    asked = call(house.mirror, house.dora, "POST", "/requests", wanted).json["request"]
    item = call(house.mirror, house.rita, "GET", "/review?repo=mallory/shell-in-a-pickle").json["items"][0]["id"]
    answer = {"items": [{"id": item}], "answer": "reject", "reason": "take acme/other instead"}
    answered = call(house.mirror, house.rita, "POST", "/review/answers", answer)
    assert answered.status == 200, answered.body
    mails = mailed_to(house, address, 2)
    assert "dora asks for an exception" in mails[0]["Subject"]
    assert "The request of dora" in mails[1]["Subject"]
    assert "is rejected" in mails[1]["Subject"]
    assert f"/-/requests/{asked['id']}" in mails[1].get_content()
    assert mails[1]["List-Unsubscribe"].endswith("/-/people/teams/risk/mailbox>")
    assert notify(house, "mailbox", "risk", "--test").returncode == 0
    assert notify(house, "mailbox", "risk", "--end").returncode == 0


def test_a_test_mail_arrives(house: House) -> None:
    before = len(house.mail.mails())
    assert call(house.mirror, house.dora, "POST", "/notices/test").status == 200
    assert any("A test of your mail" in mail["Subject"] for mail in house.mail.wait_for(before + 1))


def test_only_who_may_sees_webhooks(house: House) -> None:
    for token in (house.rita, house.dora, None):
        assert call(house.mirror, token, "GET", "/webhooks").status in {401, 403}
    reply = call(house.mirror, house.mirror.admin_token, "POST", "/webhooks", {"name": "x", "url": "https://10.0.0.1/"})
    assert reply.status == 422
    assert "CURATOR_WEBHOOK_ALLOW" in reply.json["error"]


def notify(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    token = house.mirror.admin_token or ""
    return curator("notify", *arguments, "--server", house.mirror.url, CURATOR_TOKEN=token)


def test_the_command_makes_tries_replays_and_ends_a_webhook(house: House, tmp_path: Path) -> None:
    with Receiver(tmp_path / "other") as other:
        made = notify(house, "add", "other", other.url, "--type", "model.held", "--format", "json")
        assert made.returncode == 0, made.stderr
        assert json.loads(made.stdout)["secret"].startswith("whsec_")
        tried = notify(house, "test", "other")
        assert (tried.returncode, len(other.requests())) == (0, 1), tried.stdout + tried.stderr
        other.answer((500, {}))
        failed = notify(house, "test", "other")
        assert failed.returncode == 1
        assert "It answered 500" in failed.stdout
        listed = notify(house, "list", "--webhook", "other", "--format", "json")
        first = json.loads(listed.stdout)["deliveries"][-1]["id"]
        other.answer((200, {}))
        assert notify(house, "replay", first).returncode == 0
        again = other.wait_for(3)[-1]
        assert again["headers"]["webhook-id"] == first
        assert notify(house, "replay", "--webhook", "other").returncode == 2
        since = notify(house, "replay", "--webhook", "other", "--since", "2026-01-01", "--delivered")
        assert since.returncode == 0, since.stderr
        assert notify(house, "end", "other").returncode == 0
        gone = notify(house, "test", "other")
        assert gone.returncode == 2
        assert "There is no webhook 'other' here" in gone.stderr


def test_notices_are_in_the_log_as_json(house: House) -> None:
    settled(house.mirror.url, "/api/models/mallory/shell-in-a-pickle")
    of_type(house.chat, "model.blocked")
    lines = [one for one in house.mirror.log.read_text().splitlines() if " curator.notices " in one]
    documents = [json.loads(one[one.index("{") :]) for one in lines]
    assert "model.blocked" in {one["type"] for one in documents}
    assert all(one["schema"] == "curator.notice/1" for one in documents)

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.database.sealing import Seal
from curator.errors import BadInput
from curator.notify import outbox, posting, webhooks
from curator.notify.addresses import Allowed, Forbidden, read_place, resolve
from curator.notify.outbox import PAUSES_S
from curator.notify.tables import WebhookRow
from curator.notify.webhooks import Wanted
from fixtures.ports import HeldPort
from fixtures.receiver import Receiver
from tests.unit.notify.given import (
    LOCAL,
    begin,
    deliver_all,
    deliverer,
    deliveries,
    event,
    happens,
    hours_pass,
    maker,
    notices,
    unpause,
)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "receiver") as receiver:
        yield receiver


def webhook(database: Database, folder: Path, url: str, **fields: object) -> tuple[WebhookRow, str]:
    given = {"name": "chat", "url": url} | fields
    return webhooks.make(database, Seal(None, folder / "secret.key"), Wanted(**given), LOCAL, "admin")  # type: ignore[arg-type]


def held(database: Database, *repos: str) -> None:
    happens(database, *(event(Action.DECIDE, repo=repo) for repo in repos or ("acme/tiny",)))
    maker(database).step()


def verified(secret: str, request: dict[str, dict[str, str]]) -> bool:
    """As Standard Webhooks has a receiver do it, written out here from its specification."""
    headers, body = request["headers"], str(request["body"])
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    fresh = abs(int(headers["webhook-timestamp"]) - now().timestamp()) < 300
    return fresh and any(one == f"v1,{right}" for one in headers["webhook-signature"].split(" "))


def test_a_receiver_gets_the_notice_and_can_tell_that_it_is_ours(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    _, secret = webhook(database, tmp_path, receiver.url)
    held(database)
    deliver_all(database, deliverer(database, tmp_path))
    (request,) = receiver.requests()
    assert verified(secret, request)
    assert not verified(secret, request | {"body": request["body"].replace("held", "allowed")})
    assert not verified("whsec_" + base64.b64encode(b"x" * 32).decode(), request)
    document = json.loads(request["body"])
    assert document["type"] == "model.held"
    assert document["link"].startswith("https://curator.bank.example/-/")
    (row,) = deliveries(database)
    assert (row.state, row.status, row.attempts, row.answer) == ("sent", 200, 1, "thanks <b>a lot</b>")


def test_a_receiver_that_fails_is_tried_for_a_day_and_then_given_up_visibly(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    kept, _ = webhook(database, tmp_path, receiver.url)
    receiver.answer((500, {}))
    held(database)
    began = deliveries(database)[0].created_at
    by = deliverer(database, tmp_path)
    waited = 0.0
    for attempt in range(1, len(PAUSES_S) + 2):
        assert deliver_all(database, by) == 1
        (row,) = deliveries(database)
        assert row.attempts == attempt
        assert row.error == "It answered 500"
        if row.state == "waiting":
            pause_s = (row.due_at - now()).total_seconds()
            assert PAUSES_S[attempt - 1] * 0.79 - 5 <= pause_s <= PAUSES_S[attempt - 1] * 1.21
            waited += pause_s
            assert deliver_all(database, by) == 0, "not before its time"
            hours_pass(database, pause_s / 3_600 + 0.001)
    assert row.state == "dead"
    assert 18 * 3_600 < waited < 30 * 3_600
    assert len(receiver.requests()) == len(PAUSES_S) + 1
    assert len({one["headers"]["webhook-id"] for one in receiver.requests()}) == 1
    assert row.created_at <= began
    with database.read() as session:
        told = session.exec(select(AuditRow.outcome).where(AuditRow.action == Action.NOTIFY.value)).all()
        assert list(told) == ["made", "failing"], "said once, and not switched off within a day"
    receiver.answer((200, {}))
    with database.write() as session:
        outbox.replay(session, row.id)
    deliver_all(database, by)
    assert deliveries(database)[0].state == "sent"
    with database.read() as session:
        assert session.get_one(WebhookRow, kept.id).failing_since is None


def test_what_a_receiver_asks_for_by_retry_after_is_kept(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    webhook(database, tmp_path, receiver.url)
    receiver.answer((429, {"Retry-After": "900"}), (204, {}))
    held(database)
    deliver_all(database, deliverer(database, tmp_path))
    (row,) = deliveries(database)
    assert 890 < (row.due_at - now()).total_seconds() <= 900


def test_who_answers_gone_is_switched_off_and_people_are_told(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    kept, _ = webhook(database, tmp_path, receiver.url)
    receiver.answer((410, {}))
    held(database)
    deliver_all(database, deliverer(database, tmp_path))
    with database.read() as session:
        row = session.get_one(WebhookRow, kept.id)
        assert row.disabled_at is not None
        assert "410" in (row.disabled_why or "")
    maker(database).step()
    assert [notice.type for notice in notices(database)] == ["model.held", "webhook.disabled"]
    webhooks.enable(database, kept.id, "admin")
    receiver.answer((204, {}))
    with database.write() as session:
        assert len(outbox.replay_since(session, kept.id, now() - dt.timedelta(hours=1), dead_only=True)) == 1
    deliver_all(database, deliverer(database, tmp_path))
    assert [row.state for row in deliveries(database)] == ["sent"]


def test_after_three_days_of_failures_a_webhook_is_switched_off(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    kept, _ = webhook(database, tmp_path, receiver.url)
    with database.write() as session:
        row = session.get_one(WebhookRow, kept.id)
        row.failing_since = now() - dt.timedelta(days=4)
        session.add(row)
        for attempt in range(1, len(PAUSES_S) + 2):
            webhooks.note_failure(session, row, "It answered 500", attempt, died=attempt > len(PAUSES_S), gone=False)
        assert row.disabled_at is not None


def test_a_redirect_is_not_followed(database: Database, tmp_path: Path, receiver: Receiver) -> None:
    webhook(database, tmp_path, receiver.url)
    receiver.answer((302, {"Location": receiver.url + "/elsewhere"}))
    held(database)
    deliver_all(database, deliverer(database, tmp_path))
    assert [one["path"] for one in receiver.requests()] == ["/hook"]
    assert "no redirect is followed" in str(deliveries(database)[0].error)


def test_a_receiver_that_answers_a_letter_at_a_time_keeps_no_thread(
    database: Database, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "_WHOLE_S", 1.0)
    webhook(database, tmp_path, receiver.url)
    receiver.answer((200, {"x": "y" * 50}), slow_s=0.2)
    held(database)
    began = now()
    deliver_all(database, deliverer(database, tmp_path))
    assert (now() - began).total_seconds() < 4
    (row,) = deliveries(database)
    assert row.error == "It could not be reached: it did not answer within 1 s"


def test_a_receiver_that_is_away_is_left_alone_also_by_what_else_waits_for_it(
    database: Database, tmp_path: Path
) -> None:
    with HeldPort() as port:
        kept, _ = webhook(database, tmp_path, f"http://127.0.0.1:{port.number}/")
        held(database, "acme/one", "acme/two", "acme/three")
        by = deliverer(database, tmp_path)
        deliver_all(database, by)
    assert sorted(row.attempts for row in deliveries(database)) == [0, 0, 1]
    with database.read() as session:
        assert session.get_one(WebhookRow, kept.id).paused_until is not None


def test_a_name_that_means_an_inner_address_by_the_time_it_is_used_opens_no_inner_door(
    database: Database, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    answers = iter(("93.184.216.34", "127.0.0.1"))

    def rebinding(host: str, *rest: object, **more: object) -> object:
        if host != "rebind.example.com":
            return real(host, *rest, **more)  # type: ignore[arg-type]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    nothing = Allowed()
    webhooks.make(
        database,
        Seal(None, tmp_path / "secret.key"),
        Wanted(name="evil", url=f"https://rebind.example.com:{receiver.port}/hook"),
        nothing,
        "admin",
    )
    held(database)
    deliver_all(database, deliverer(database, tmp_path, allowed=nothing))
    assert receiver.requests() == []
    (row,) = deliveries(database)
    assert "inside this network" in str(row.error)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://localhost/",
        "https://metadata.google.internal/",
        "https://user:password@example.com/",
        "https://example.com:25/",
        "ftp://example.com/",
        "https://",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://exämple.com/",
        "https://example.com:99999/",
        "https://example.com/#there",
        "https://[::1",
        "",
    ],
)
def test_an_address_that_notices_are_not_sent_to_is_refused_in_words(url: str) -> None:
    with pytest.raises(Forbidden) as refused:
        read_place(url, Allowed())
    assert "\n" not in refused.value.sentence


def test_what_settings_allow_is_allowed_and_nothing_beside_it() -> None:
    allowed = Allowed.parse("hooks.bank.internal, 10.1.0.0/16, 192.0.2.7")
    assert read_place("http://hooks.bank.internal/x", allowed).https is False
    assert resolve(read_place("http://10.1.2.3:9/x".replace(":9", ":8080"), allowed), allowed) == ["10.1.2.3"]
    with pytest.raises(Forbidden):
        resolve(read_place("http://10.2.0.1/x", allowed), allowed)
    with pytest.raises(Forbidden):
        resolve(read_place("https://127.0.0.1/x", allowed), allowed)


def test_slack_and_teams_get_a_text_in_which_nothing_of_the_hub_is_a_mention_or_a_link(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    webhook(database, tmp_path, receiver.url, format="text")
    hostile = "<!channel> [free](https://evil.example) <script>\r\nBcc: x"
    happens(database, event(Action.DECIDE, sentence=hostile))
    maker(database).step()
    deliver_all(database, deliverer(database, tmp_path))
    text = json.loads(receiver.requests()[0]["body"])["text"]
    assert "<!channel>" not in text
    assert "](" not in text
    assert "\nBcc" not in text


def test_a_new_secret_signs_beside_the_old_one_for_a_day(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    kept, old = webhook(database, tmp_path, receiver.url)
    _, new = webhooks.rotate(database, Seal(None, tmp_path / "secret.key"), kept.id, "admin")
    held(database)
    deliver_all(database, deliverer(database, tmp_path))
    assert verified(old, receiver.requests()[0])
    assert verified(new, receiver.requests()[0])
    with database.write() as session:
        row = session.get_one(WebhookRow, kept.id)
        row.before_until = now()
        session.add(row)
    held(database, "acme/two")
    deliver_all(database, deliverer(database, tmp_path))
    assert not verified(old, receiver.requests()[1])
    assert verified(new, receiver.requests()[1])


def test_a_worker_that_dies_after_sending_sends_again_with_the_same_id_and_loses_nothing(
    database: Database, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook(database, tmp_path, receiver.url)
    held(database)
    by = deliverer(database, tmp_path)
    with monkeypatch.context() as dies:
        dies.setattr(outbox, "sent", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            deliver_all(database, by)
    assert deliveries(database)[0].state == "waiting"
    assert deliver_all(database, by) == 0, "somebody may be at it, still"
    hours_pass(database, 1)
    deliver_all(database, by)
    first, second = receiver.requests()
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert deliveries(database)[0].state == "sent"


def test_who_lost_his_lease_notes_nothing(database: Database, tmp_path: Path, receiver: Receiver) -> None:
    webhook(database, tmp_path, receiver.url)
    held(database)
    slow = begin(database, mails=False)
    assert slow is not None
    hours_pass(database, 1)
    quick = begin(database, mails=False)
    assert quick is not None
    assert quick.id == slow.id
    assert not deliverer(database, tmp_path).deliver(slow)
    assert deliveries(database)[0].state == "waiting"


def test_a_delivery_whose_tries_end_with_a_death_each_time_is_dead_and_can_be_replayed(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    webhook(database, tmp_path, receiver.url)
    held(database)
    begun = 0
    while begin(database, mails=False) is not None:
        begun += 1
        hours_pass(database, 1)
    assert begun == len(PAUSES_S) + 1
    (delivery,) = deliveries(database)
    assert delivery.state == "dead"
    with database.write() as session:
        outbox.replay(session, delivery.id)
    deliver_all(database, deliverer(database, tmp_path))
    assert len(receiver.requests()) == 1


def test_what_is_under_way_is_not_replayed(database: Database, tmp_path: Path, receiver: Receiver) -> None:
    webhook(database, tmp_path, receiver.url)
    held(database)
    with database.write() as session, pytest.raises(BadInput):
        outbox.replay(session, deliveries(database)[0].id)
    with database.write() as session, pytest.raises(outbox.NoSuchDelivery):
        outbox.replay(session, "msg_0")


def test_a_teams_webhook_gets_what_the_team_may_know_and_no_more(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    webhook(database, tmp_path, receiver.url, team="risk")
    happens(
        database,
        event(Action.DECIDE, repo="acme/ours", team="risk"),
        event(Action.DECIDE, repo="acme/theirs", team="trading"),
        event(Action.REQUEST, actor="theo", subject="r1", outcome="ask"),
    )
    maker(database).step()
    deliver_all(database, deliverer(database, tmp_path))
    assert [json.loads(one["body"])["data"]["repository"] for one in receiver.requests()] == ["acme/ours"]


def test_types_and_globs_narrow_down_what_a_webhook_gets(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    webhook(database, tmp_path, receiver.url, types=("model.blocked",), repos=("acme/*",))
    happens(
        database,
        event(Action.DECIDE, repo="acme/a", outcome="block"),
        event(Action.DECIDE, repo="acme/b", outcome="hold"),
        event(Action.DECIDE, repo="other/c", outcome="block"),
    )
    maker(database).step()
    assert len(deliveries(database)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\r\nb"},
        {"format": "xml"},
        {"types": ("model.eaten",)},
        {"repos": ("a b",)},
        {"url": "https://10.0.0.1/"},
    ],
)
def test_a_webhook_that_cannot_be_taken_is_refused_in_words(
    database: Database, tmp_path: Path, fields: dict[str, object]
) -> None:
    with pytest.raises(BadInput) as refused:
        webhook(database, tmp_path, **{"url": "http://127.0.0.1:8000/", **fields})  # type: ignore[arg-type]
    assert "\n" not in refused.value.sentence


def test_the_secret_is_kept_sealed_and_what_is_ended_gets_nothing(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    kept, secret = webhook(database, tmp_path, receiver.url)
    assert secret not in kept.sealed
    held(database)
    webhooks.end(database, kept.id, "admin")
    deliver_all(database, deliverer(database, tmp_path))
    assert receiver.requests() == []
    assert deliveries(database)[0].state == "dead"
    held(database, "acme/two")
    assert len(deliveries(database)) == 1
    with database.write() as session:
        unpause(session)

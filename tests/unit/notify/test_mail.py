from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from hypothesis import given, strategies

from curator.audit.record import Action
from curator.database.engine import Database, now
from curator.errors import BadInput, BadSettings
from curator.notify import digests
from curator.notify.choices import BadChoice, Choices, choose
from curator.notify.kinds import Way
from curator.notify.mail import Mailer, message
from curator.people.roles import Role
from curator.settings import Settings
from fixtures.mailbox import PASSWORD, USER, MailServer
from fixtures.ports import HeldPort
from tests.certificates import make_certificates
from tests.unit.notify.given import URL, deliver_all, deliverer, deliveries, event, happens, maker, person

SENDER = "curator@bank.example"


def mailer(port: int, tls: str = "none", authority: Path | None = None, password: str | None = None) -> Mailer:
    context = ssl.create_default_context(cafile=authority)
    user = USER if password is not None else None
    return Mailer("127.0.0.1", port, tls, user, password, SENDER, context)


def reversed_for(database: Database, tmp_path: Path, by: Mailer, **fields: object) -> None:
    happens(database, event(Action.CHANGE, outcome="block", **({"sentence": "allowed until now; now bad"} | fields)))
    maker(database).step()
    deliver_all(database, deliverer(database, tmp_path, by))


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_mail_goes_to_one_person_over_tls_with_a_password(database: Database, tmp_path: Path, tls: str) -> None:
    person(database, "rita", Role.REVIEWER)
    person(database, "sam", Role.SECURITY)
    made = make_certificates(tmp_path)
    with MailServer(tmp_path / "mail", tls, made.server) as server:
        reversed_for(database, tmp_path, mailer(server.port, tls, made.authority, PASSWORD))
        first, second = server.mails()
        assert sorted([first["To"], second["To"]]) == ["rita@bank.example", "sam@bank.example"]
        assert first["Subject"].strip() == "[Curator] Not allowed any more: acme/tiny@11111111 is blocked from now on"
        assert first["List-Unsubscribe"] == f"<{URL}/-/notices/choices>"
        assert f"{URL}/-/" in first.get_content()
        assert [(one["tls"], one["as"], len(one["to"])) for one in server.sessions()] == [(True, USER, 1)] * 2
    assert {row.state for row in deliveries(database)} == {"sent"}


def test_a_wrong_password_and_a_stranger_s_certificate_are_told_and_tried_again(
    database: Database, tmp_path: Path
) -> None:
    person(database, "rita", Role.REVIEWER)
    made = make_certificates(tmp_path)
    with MailServer(tmp_path / "mail", "starttls", made.server) as server:
        reversed_for(database, tmp_path, mailer(server.port, "starttls", made.authority, "wrong"))
        reversed_for(database, tmp_path, mailer(server.port, "starttls", None, PASSWORD), repo="acme/two")
        assert server.mails() == []
    first, second = deliveries(database)
    assert first.state == second.state == "waiting"
    assert "535" in str(first.error)
    assert "certificate" in str(second.error)
    assert PASSWORD not in str(first.error) + str(second.error)


def test_a_server_that_is_away_loses_no_mail(database: Database, tmp_path: Path) -> None:
    person(database, "rita", Role.REVIEWER)
    with HeldPort() as port:
        reversed_for(database, tmp_path, mailer(port.number))
    (row,) = deliveries(database)
    assert (row.state, row.attempts) == ("waiting", 1)


def test_an_address_that_the_server_does_not_know_is_given_up_and_one_for_later_is_not(
    database: Database, tmp_path: Path
) -> None:
    person(database, "nora", Role.REVIEWER, email="nobody@bank.example")
    person(database, "luca", Role.REVIEWER, email="later@bank.example")
    person(database, "mute", Role.REVIEWER, email="")
    with MailServer(tmp_path / "mail", "none") as server:
        reversed_for(database, tmp_path, mailer(server.port))
    assert sorted((row.state, row.attempts) for row in deliveries(database)) == [("dead", 1), ("waiting", 1)]


def test_nothing_of_a_hostile_repository_becomes_a_header(database: Database, tmp_path: Path) -> None:
    person(database, "rita", Role.REVIEWER)
    evil = "acme/x\r\nBcc: all@bank.example\r\n\r\n<script>alert(1)</script>"
    with MailServer(tmp_path / "mail", "none") as server:
        reversed_for(database, tmp_path, mailer(server.port), repo=evil, sentence=f"allowed until now; now {evil}")
        (mail,) = server.mails()
        assert server.sessions()[0]["to"] == ["rita@bank.example"]
    assert mail["Bcc"] is None
    assert mail.get_content_type() == "text/plain"
    assert "Bcc: all@bank.example" not in mail.get_content().splitlines()


@given(strategies.text(), strategies.text(), strategies.text())
def test_whatever_a_notice_says_a_mail_has_its_own_headers_and_no_other(title: str, body: str, type_: str) -> None:
    made = message(
        to="rita@bank.example",
        sender=SENDER,
        title=title,
        body=body.encode("utf-8", "replace").decode(),
        link=URL,
        message_id="msg_1",
        type_=type_,
        choices=URL,
        foot="f",
        at=now(),
    )
    raw = made.as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))}
    assert names == {
        b"from",
        b"to",
        b"subject",
        b"date",
        b"message-id",
        b"list-unsubscribe",
        b"auto-submitted",
        b"x-curator-notice",
        b"content-type",
        b"content-transfer-encoding",
        b"mime-version",
    }


@pytest.mark.parametrize("to", ["", "a", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b>", '"a b"@c', "a@b c"])
def test_an_address_that_is_none_is_refused(to: str) -> None:
    with pytest.raises(BadInput):
        message(
            to=to,
            sender=SENDER,
            title="t",
            body="b",
            link=URL,
            message_id="m",
            type_="test",
            choices=URL,
            foot="f",
            at=now(),
        )


def test_a_digest_comes_once_at_the_hour_that_somebody_chose(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rita = person(database, "rita", Role.REVIEWER)
    happens(database, event(Action.DECIDE), event(Action.DECIDE, repo="acme/two", outcome="block"))
    maker(database).step()
    assert digests.make_due(database, URL) == 0, "its hour has not come since"
    monkeypatch.setattr(digests, "now", lambda: now() + dt.timedelta(days=1))
    with monkeypatch.context() as dies:
        dies.setattr(digests, "send_out", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            digests.make_due(database, URL)
    assert digests.make_due(database, URL) == 1, "what died in the middle left nothing"
    assert digests.make_due(database, URL) == 0
    with MailServer(tmp_path / "mail", "none") as server:
        deliver_all(database, deliverer(database, tmp_path, mailer(server.port)))
        (mail,) = server.mails()
    assert mail["Subject"] == "[Curator] Your daily digest: 2 notices"
    assert "acme/two@11111111 is blocked" in mail.get_content()
    assert "A commit is held (1)" in mail.get_content()
    assert rita.email == mail["To"]


@pytest.mark.parametrize(
    ("rhythm", "hour", "offset", "moment", "slot"),
    [
        ("daily", 7, 0, "2026-11-26T08:00", "2026-11-26T07:00"),
        ("daily", 7, 0, "2026-11-26T06:59", "2026-11-25T07:00"),
        ("daily", 7, 120, "2026-11-26T05:30", "2026-11-26T05:00"),
        ("daily", 23, -300, "2026-11-26T03:00", "2026-11-25T04:00"),
        ("weekly", 7, 0, "2026-11-26T08:00", "2026-11-23T07:00"),
        ("weekly", 7, 0, "2026-11-23T06:00", "2026-11-16T07:00"),
    ],
)
def test_the_hour_of_a_digest_is_where_the_person_is(
    rhythm: str, hour: int, offset: int, moment: str, slot: str
) -> None:
    chosen = Choices(ways={}, rhythm=rhythm, hour=hour, utc_offset=offset)
    at = dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)
    assert chosen.last_slot(at) == dt.datetime.fromisoformat(slot).replace(tzinfo=dt.UTC)


@given(
    strategies.sampled_from(["daily", "weekly"]),
    strategies.integers(0, 23),
    strategies.integers(-840, 840),
    strategies.integers(1_577_836_800, 2_208_988_800),
)
def test_the_newest_slot_is_within_its_rhythm(rhythm: str, hour: int, offset: int, moment: int) -> None:
    at = dt.datetime.fromtimestamp(moment, dt.UTC)
    slot = Choices(ways={}, rhythm=rhythm, hour=hour, utc_offset=offset).last_slot(at)
    assert dt.timedelta(0) <= at - slot < dt.timedelta(days=7 if rhythm == "weekly" else 1)


@pytest.mark.parametrize(
    "wanted",
    [
        Choices(ways={"eaten": Way.NOW}),
        Choices(ways={}, about="some"),
        Choices(ways={}, rhythm="hourly"),
        Choices(ways={}, hour=24),
        Choices(ways={}, utc_offset=900),
        Choices(ways={}, repos=("a b",)),
        Choices(ways={}, repos=("acme/*",) * 51),
    ],
)
def test_a_choice_that_has_no_meaning_is_refused(database: Database, wanted: Choices) -> None:
    with database.write() as session, pytest.raises(BadChoice):
        choose(session, "u1", "rita", wanted)


@pytest.mark.parametrize(
    "given_settings",
    [
        {"smtp_host": "mail"},
        {"smtp_host": "mail", "smtp_from": "not an address"},
        {"smtp_host": "mail", "smtp_from": "a@b.example", "smtp_tls": "none", "smtp_password": "hidden-word"},
        {"webhook_allow": "http://hooks"},
        {"webhook_allow": "10.0.0.0/33"},
        {"ending_days": "soon"},
    ],
)
def test_settings_of_notices_that_cannot_be_used_are_refused_without_telling_a_password(
    given_settings: dict[str, str],
) -> None:
    with pytest.raises(BadSettings) as refused:
        Settings.load(None, **given_settings)
    assert "hidden-word" not in refused.value.sentence

"""A team is told by mail of what concerns it, and of nothing else."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from sqlmodel import Session, select

from curator.admission.tables import SnapshotRow
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.errors import BadInput, CuratorError
from curator.notify import digests, ending, mailboxes
from curator.notify.choices import Choices
from curator.notify.kinds import Way
from curator.notify.tables import NoticeReaderRow, NoticeRow, WebhookRow
from curator.people.by import By
from curator.people.roles import Role
from curator.people.teams import end_team
from curator.policy.tables import WaiverRow
from curator.review.tables import RequesterRow, RequestRow
from tests.unit.notify.given import COMMIT, URL, deliveries, event, happens, inbox, maker, notices, person

EVERYBODY = json.dumps({"teams": ["*"], "projects": ["*"]})
ADDRESS = "risk-models@bank.example"


def request(session: Session, name: str, *, team: str = "risk", state: str = "open", repo: str = "acme/tiny") -> None:
    snapshot = session.exec(select(SnapshotRow)).first()
    if snapshot is None:
        snapshot = SnapshotRow(kind="model", repo="acme/tiny", sha=COMMIT, seen_at=now(), info="{}")
        session.add(snapshot)
        session.flush()
    moment = now()
    row = RequestRow(
        id=f"r-{name}",
        kind="model",
        repo=repo,
        commit=COMMIT,
        snapshot_id=snapshot.id or 0,
        decision="d1",
        outcome="hold",
        team=team,
        rules="few-downloads",
        state=state,
        asked_at=moment,
        changed_at=moment,
    )
    session.add(row)
    session.flush()
    session.add(RequesterRow(request_id=row.id, name=name, reason="a demo", at=moment))


def mailbox(database: Database, team: str = "risk", **ways: Way) -> None:
    with database.write() as session:
        mailboxes.keep(session, team, ADDRESS, Choices(ways={**mailboxes.USUAL, **ways}), "sam")


def to_team(database: Database) -> list[str]:
    """The types of what is on its way to its mailbox at once."""
    with database.read() as session:
        found = {row.id: row.type for row in session.exec(select(NoticeRow))}
    return [found[row.notice_id] for row in deliveries(database) if row.user_id == "team:risk"]


def waiting_for_digest(database: Database) -> list[str]:
    with database.read() as session:
        rows = session.exec(
            select(NoticeRow.type)
            .join(NoticeReaderRow, NoticeReaderRow.notice_id == NoticeRow.id)  # type: ignore[arg-type]
            .where(NoticeReaderRow.user_id == "team:risk", NoticeReaderRow.digest)
        )
        return sorted(rows)


def test_a_team_hears_that_a_member_asks_and_what_is_answered(database: Database) -> None:
    dora = person(database, "dora", Role.DEVELOPER, "risk")
    colleague = person(database, "carl", Role.DEVELOPER, "risk")
    mailbox(database, asked=Way.NOW)
    with database.write() as session:
        request(session, "dora")
    about: dict[str, Any] = {"subject": "r-dora", "team": "risk"}
    happens(
        database,
        event(Action.REQUEST, outcome="ask", actor="dora", **about),
        event(Action.ANSWER, outcome="approve", actor="rita", **about),
    )
    maker(database).step()
    assert to_team(database) == ["exception.asked", "exception.decided"]
    assert inbox(database, dora) == ["exception.decided"]
    assert inbox(database, colleague) == [], "what the mailbox is told, members are not told one by one"
    answered = next(one for one in notices(database) if one.audience == "mailbox:risk" and "approved" in one.title)
    assert answered.title.startswith("The request of dora for acme/tiny@")


def test_a_team_is_told_of_what_it_uses_or_asked_for_and_not_of_everything(database: Database) -> None:
    person(database, "dora", Role.DEVELOPER, "risk")
    mailbox(database, held=Way.NOW, blocked=Way.NOW)
    with database.write() as session:
        request(session, "dora", repo="acme/asked")
    happens(
        database,
        event(Action.DOWNLOAD, repo="acme/used", actor="build", team="risk", outcome="allow"),
        event(Action.DECIDE, repo="acme/asked"),
        event(Action.DECIDE, repo="acme/other"),
        event(Action.CHANGE, repo="acme/used", outcome="block", sentence="allowed until now (decision 7); now blocked"),
    )
    maker(database).step()
    assert to_team(database) == ["model.held", "decision.reversed"]


def test_a_team_without_a_mailbox_costs_no_notice(database: Database) -> None:
    person(database, "dora", Role.DEVELOPER, "risk")
    with database.write() as session:
        request(session, "dora")
    happens(database, event(Action.ANSWER, outcome="reject", actor="rita", subject="r-dora", team="risk"))
    maker(database).step()
    assert [one.audience for one in notices(database)] == ["person:dora"]


def test_a_digest_of_a_team_is_one_mail_of_all_that_collected(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(database, "dora", Role.DEVELOPER, "risk")
    mailbox(database, decided=Way.DIGEST)
    with database.write() as session:
        request(session, "dora")
    happens(database, event(Action.ANSWER, outcome="reject", actor="rita", subject="r-dora", team="risk"))
    maker(database).step()
    assert waiting_for_digest(database) == ["exception.decided"]
    tomorrow = now() + dt.timedelta(hours=25)
    monkeypatch.setattr(digests, "now", lambda: tomorrow)
    assert digests.make_due(database, URL) == 1
    assert digests.make_due(database, URL) == 0
    assert to_team(database) == ["digest"]
    (digest,) = [one for one in notices(database) if one.type == "digest"]
    assert digest.title == "The daily digest of risk: 1 notice"
    assert "The request of dora" in digest.body


def test_a_mailbox_of_a_team_that_has_ended_gets_nothing(database: Database) -> None:
    person(database, "dora", Role.DEVELOPER, "risk")
    mailbox(database)
    with database.write() as session:
        request(session, "dora")
        end_team(session, "risk", By("ada"))
    happens(database, event(Action.ANSWER, outcome="reject", actor="rita", subject="r-dora", team="risk"))
    maker(database).step()
    assert to_team(database) == []


@pytest.mark.parametrize(
    ("team", "address", "ways", "said"),
    [
        ("nobody", ADDRESS, {}, "There is no team"),
        ("risk", "risk models", {}, "is not the address of a mailbox"),
        ("risk", "a@b.example\r\nBcc: c@d.example", {}, "is not the address of a mailbox"),
        ("risk", ADDRESS, {"rules": Way.NOW}, "A team is not told of 'rules'"),
        ("risk", ADDRESS, {"held": Way.INBOX}, "it has no inbox"),
    ],
)
def test_a_mailbox_that_cannot_be_is_refused_in_a_sentence(
    database: Database, team: str, address: str, ways: dict[str, Way], said: str
) -> None:
    person(database, "dora", Role.DEVELOPER, "risk")
    with pytest.raises(CuratorError, match=said), database.write() as session:
        mailboxes.keep(session, team, address, Choices(ways=ways), "sam")


def test_who_set_a_mailbox_and_who_ended_it_is_on_the_record(database: Database) -> None:
    person(database, "dora", Role.DEVELOPER, "risk")
    mailbox(database)
    with database.write() as session:
        mailboxes.end(session, "risk", "sam")
    with database.read() as session:
        rows = session.exec(select(AuditRow).where(AuditRow.action == "notify")).all()
        assert [(row.actor, row.subject, row.outcome) for row in rows] == [
            ("sam", "risk", "mailbox"),
            ("sam", "risk", "mailbox-ended"),
        ]
        with pytest.raises(CuratorError, match="has no mailbox"):
            mailboxes.find(session, "risk")


def test_a_webhook_of_a_team_gets_the_answers_to_its_requests_and_no_others(database: Database) -> None:
    person(database, "dora", Role.DEVELOPER, "risk")
    row = WebhookRow(
        id="w", name="risk", url="", format="json", types="[]", repos="[]", team="risk", sealed="", created_at=now(),
        created_by="sam",
    )  # fmt: skip
    with database.write() as session:
        session.add(row)
        request(session, "dora")
        request(session, "theo", team="trading")
    happens(
        database,
        event(Action.ANSWER, outcome="reject", actor="rita", subject="r-dora", team="risk"),
        event(Action.ANSWER, outcome="reject", actor="rita", subject="r-theo", team="trading"),
    )
    maker(database).step()
    told = {one.id: one.audience for one in notices(database)}
    assert [told[one.notice_id] for one in deliveries(database) if one.webhook_id == "w"] == ["mailbox:risk"]


def test_who_asked_and_the_team_are_reminded_before_what_they_were_given_ends(database: Database) -> None:
    dora = person(database, "dora", Role.DEVELOPER, "risk")
    other = person(database, "theo", Role.DEVELOPER, "trading")
    mailbox(database, decided=Way.NOW)
    moment = now()
    with database.write() as session:
        request(session, "dora", state="approved")
        request(session, "theo", team="trading", state="rejected")
        session.add(
            WaiverRow(
                id="w1",
                fingerprints="[]",
                kind="model",
                repo="acme/tiny",
                rules="few-downloads",
                scope=EVERYBODY,
                reason="a demo",
                by="rita",
                created_at=moment,
                expires_at=moment + dt.timedelta(days=2),
            )
        )
    assert ending.look(database, (14, 3)) == 1
    maker(database).step()
    assert inbox(database, dora) == ["request.ending"]
    assert inbox(database, other) == []
    assert to_team(database) == ["request.ending"]
    (mine,) = [one for one in notices(database) if one.audience == "person:dora"]
    assert "in a day" in mine.body
    assert "ask anew" in mine.body


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("expire", "has ended without an answer"), ("overtake", "the same command works now")],
)
def test_who_asked_is_told_when_a_request_ends_without_an_answer(database: Database, outcome: str, said: str) -> None:
    dora = person(database, "dora", Role.DEVELOPER, "risk")
    mailbox(database)
    with database.write() as session:
        request(session, "dora", state="expired")
    happens(database, event(Action.REQUEST, outcome=outcome, actor="curator", subject="r-dora", team="risk"))
    maker(database).step()
    assert inbox(database, dora) == ["request.over"]
    assert to_team(database) == ["request.over"]
    assert all(said in one.title for one in notices(database))


def test_those_who_still_want_it_are_told_that_somebody_does_no_longer(database: Database) -> None:
    dora = person(database, "dora", Role.DEVELOPER, "risk")
    with database.write() as session:
        request(session, "dora")
    happens(database, event(Action.REQUEST, outcome="withdraw", actor="carl", subject="r-dora", team="risk"))
    maker(database).step()
    assert inbox(database, dora) == ["request.over"]
    assert "goes on without carl" in notices(database)[0].title


def test_a_wrong_rhythm_is_refused(database: Database) -> None:
    person(database, "dora", Role.DEVELOPER, "risk")
    with pytest.raises(BadInput, match="daily or weekly"), database.write() as session:
        mailboxes.keep(session, "risk", ADDRESS, Choices(ways={}, rhythm="hourly"), "sam")

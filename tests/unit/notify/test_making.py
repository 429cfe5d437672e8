from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import Session, select

from curator.admission.tables import SnapshotRow
from curator.audit.follow import move_on
from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditFollowerRow
from curator.database.engine import Database, now
from curator.notify import gathering, making, spreading
from curator.notify.choices import Choices, choose
from curator.notify.kinds import NoticeType, Way
from curator.notify.tables import NoticeReaderRow
from curator.people.by import By
from curator.people.roles import Role
from curator.people.users import disable_user
from curator.review.tables import RequesterRow, RequestRow
from tests.unit.notify.given import COMMIT, deliveries, event, happens, hours_pass, inbox, maker, notices, person


def allowed_no_more(**fields: Any) -> AuditEvent:
    return event(
        Action.CHANGE, outcome="block", sentence="allowed until now (decision 7); now blocked: it runs code", **fields
    )


def test_each_event_is_told_once_whatever_dies_in_between(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    happens(database, event(Action.DECIDE))
    with monkeypatch.context() as dies:
        dies.setattr(gathering, "_alone", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            maker(database).step()
    assert notices(database) == [], "a transaction that dies leaves nothing"
    maker(database).step()
    maker(database).step()
    assert inbox(database, reviewer) == ["model.held"]


def test_people_are_told_while_others_download_without_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    happens(database, event(Action.DECIDE))
    taken = list[int]()

    def meanwhile(session: Session, name: str, since: int, to: int) -> bool:
        taken.append(to - since)
        assert len(taken) < 50, "it never comes to an end"
        append(session, event(Action.DOWNLOAD, outcome="allow"))
        return move_on(session, name, since, to)

    monkeypatch.setattr(making, "move_on", meanwhile)
    maker(database).step()
    assert len(taken) == 1, "what came meanwhile is the next step's"
    assert inbox(database, reviewer) == ["model.held"]


def test_of_many_events_each_is_told_of_though_few_are_taken_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_MOST_TOLD", 2)
    monkeypatch.setattr(making, "_ROWS", 4)
    reviewer = person(database, "rita", Role.REVIEWER)
    for number in range(5):
        repo = f"acme/n{number}"
        happens(database, event(Action.DOWNLOAD, outcome="allow"), event(Action.DECIDE, repo=repo))
    happens(database, *(event(Action.DOWNLOAD, outcome="allow") for _ in range(9)))
    maker(database).step()
    told = " ".join(notice.document for notice in notices(database))
    assert [f"acme/n{number}" in told for number in range(5)] == [True] * 5
    assert inbox(database, reviewer)
    with database.read() as session:
        place = session.get(AuditFollowerRow, making.FOLLOWER)
    assert place is not None
    assert place.seq >= 19


def test_a_commit_that_is_looked_at_again_with_the_same_outcome_is_not_told_of_as_new(database: Database) -> None:
    happens(database, event(Action.DECIDE, outcome="allow"), event(Action.DOWNLOAD, outcome="allow"))
    maker(database).step()
    assert notices(database) == []


def test_a_reversed_decision_is_told_to_each_team_that_pulled_it_with_its_own_uses_and_no_other(
    database: Database,
) -> None:
    risk = person(database, "dora", Role.DEVELOPER, "risk")
    trading = person(database, "theo", Role.DEVELOPER, "trading")
    other = person(database, "olga", Role.DEVELOPER, "other")
    security = person(database, "sam", Role.SECURITY, "risk")
    happens(
        database,
        event(Action.DOWNLOAD, actor="build-7", team="risk", project="scores", outcome="allow", job="gitlab:1"),
        event(Action.DOWNLOAD, actor="laptop-3", team="trading", project="desk", outcome="allow"),
        allowed_no_more(),
    )
    maker(database).step()
    assert [inbox(database, who) for who in (risk, trading, other, security)] == [
        ["decision.reversed"],
        ["decision.reversed"],
        [],
        ["decision.reversed"],
    ]
    by_audience = {notice.audience: notice for notice in notices(database)}
    assert set(by_audience) == {"overseers", "team:risk", "team:trading"}
    whole = json.loads(by_audience["overseers"].document)["data"]["used_by"]
    assert {(one["team"], one["project"], one["token"]) for one in whole} == {
        ("risk", "scores", "build-7"),
        ("trading", "desk", "laptop-3"),
    }
    assert "laptop-3" not in by_audience["team:risk"].document
    assert "gitlab:1" in by_audience["team:risk"].body
    assert {row.user_id for row in deliveries(database)} == {risk.id, trading.id, security.id}


def test_who_asks_for_an_exception_hears_of_the_answer_without_having_subscribed(database: Database) -> None:
    asker = person(database, "dora", Role.DEVELOPER)
    joined = person(database, "dave", Role.DEVELOPER)
    other = person(database, "olga", Role.DEVELOPER)
    reviewer = person(database, "rita", Role.REVIEWER)
    with database.write() as session:
        _request(session)
        for who in ("dora", "dave"):
            session.add(RequesterRow(request_id="r1", name=who, reason="a demo", at=now()))
    happens(
        database,
        event(Action.REQUEST, actor="dora", outcome="ask", subject="r1", sentence="asks for an exception: a demo"),
        event(Action.ANSWER, actor="rita", outcome="approve", subject="r1", sentence="read by hand"),
    )
    maker(database).step()
    assert inbox(database, asker) == inbox(database, joined) == ["exception.decided"]
    assert inbox(database, other) == []
    assert inbox(database, reviewer) == ["exception.asked"]
    told = [row.user_id for row in deliveries(database)]
    assert sorted(told, key=str) == sorted([asker.id, joined.id]), "the answer at once, the question in the digest"


def _request(session: Session) -> None:
    snapshot = SnapshotRow(kind="model", repo="acme/tiny", sha=COMMIT, info="{}", seen_at=now())
    session.add(snapshot)
    session.flush()
    session.add(
        RequestRow(
            id="r1",
            kind="model",
            repo="acme/tiny",
            commit=COMMIT,
            snapshot_id=snapshot.id or 0,
            decision="d1",
            outcome="hold",
            rules="few-downloads",
            state="open",
            asked_at=now(),
            changed_at=now(),
        )
    )
    session.flush()


def test_a_team_hears_of_what_is_held_for_it_and_no_other_does(database: Database) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    person(database, "dora", Role.DEVELOPER, "risk")
    happens(database, event(Action.DECIDE, team="risk"))
    maker(database).step()
    assert [notice.audience for notice in notices(database)] == ["team:risk"]
    assert inbox(database, reviewer) == ["model.held"]


def test_many_that_are_alike_are_one_notice(database: Database) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    made = maker(database)
    happens(database, *(event(Action.DECIDE, repo=f"acme/m{number}") for number in range(20)))
    made.step()
    happens(database, *(event(Action.DECIDE, repo=f"acme/m{number}") for number in range(20, 37)))
    made.step()
    assert inbox(database, reviewer) == [], "they are collected"
    hours_pass(database, 0.1)
    made.step()
    (notice,) = notices(database)
    assert notice.title == "37 commits are held"
    assert inbox(database, reviewer) == ["model.held"]
    data = json.loads(notice.document)["data"]
    assert data["count"] == len(data["items"]) == 37


def test_a_few_go_out_one_by_one(database: Database) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    happens(database, *(event(Action.DECIDE, repo=f"acme/m{number}") for number in range(5)))
    maker(database).step()
    assert inbox(database, reviewer) == ["model.held"] * 5
    happens(database, event(Action.DECIDE, repo="acme/m6"))
    maker(database).step()
    assert len(inbox(database, reviewer)) == 5, "from the sixth on they are collected"


def test_a_change_is_told_as_what_it_is_and_not_as_a_decision_beside_it(database: Database) -> None:
    security = person(database, "sam", Role.SECURITY)
    happens(
        database,
        event(Action.DECIDE, outcome="block", decision="d2"),
        allowed_no_more(decision="d2"),
        event(Action.CHANGE, repo="acme/two", outcome="allow", sentence="held: x until now (decision 1); now allowed"),
    )
    maker(database).step()
    assert inbox(database, security) == ["decision.reversed", "model.released"]


def test_nobody_is_told_of_what_he_may_not_see(database: Database) -> None:
    developer = person(database, "dora", Role.DEVELOPER, "risk")
    with database.write() as session:
        everything = Choices(ways={"held": Way.NOW, "asked": Way.NOW, "service": Way.NOW, "reversed": Way.NOW})
        choose(session, developer.id, "dora", everything)
    happens(
        database,
        event(Action.DECIDE, team="trading"),
        event(Action.REQUEST, actor="theo", team="trading", subject="r9", outcome="ask"),
        event(Action.HEALTH, kind=None, repo="", commit=None, subject="disk:store", outcome="bad"),
        allowed_no_more(),
    )
    maker(database).step()
    assert inbox(database, developer) == []


def test_repositories_by_glob_and_own_teams_narrow_down_what_one_is_told(database: Database) -> None:
    globs = person(database, "gina", Role.REVIEWER)
    teams = person(database, "tina", Role.REVIEWER, "risk")
    with database.write() as session:
        choose(session, globs.id, "gina", Choices(ways={"held": Way.INBOX}, repos=("Acme/*",)))
        choose(session, teams.id, "tina", Choices(ways={"held": Way.INBOX}, about="teams"))
    happens(
        database,
        event(Action.DECIDE, repo="acme/tiny"),
        event(Action.DECIDE, repo="other/tiny"),
        event(Action.DECIDE, repo="other/large", team="risk"),
    )
    maker(database).step()
    assert len(inbox(database, globs)) == 1
    assert len(inbox(database, teams)) == 1


def test_who_wants_to_hear_of_what_he_asked_for_hears_of_nothing_else(database: Database) -> None:
    asker = person(database, "dora", Role.DEVELOPER)
    with database.write() as session:
        _request(session)
        session.add(RequesterRow(request_id="r1", name="dora", reason="a demo", at=now()))
        choose(session, asker.id, "dora", Choices(ways={"held": Way.INBOX}, about="asked"))
    happens(database, event(Action.DECIDE, repo="acme/tiny"), event(Action.DECIDE, repo="other/tiny"))
    maker(database).step()
    assert inbox(database, asker) == ["model.held"]


def test_whoever_is_disabled_is_told_nothing(database: Database) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    with database.write() as session:
        disable_user(session, "rita", By("test"))
    happens(database, event(Action.DECIDE))
    maker(database).step()
    assert inbox(database, reviewer) == []


def test_without_a_mail_server_a_digest_is_not_collected_and_the_inbox_is(database: Database) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    happens(database, event(Action.DECIDE))
    maker(database, mails=False).step()
    with database.read() as session:
        assert [row.digest for row in session.exec(select(NoticeReaderRow))] == [False]
    assert inbox(database, reviewer) == [NoticeType.HELD]


def test_what_happened_before_there_were_notices_is_told_to_nobody(database: Database) -> None:
    with database.read() as session:
        assert session.get(AuditFollowerRow, making.FOLLOWER) is not None


def test_a_content_that_is_withdrawn_is_told_to_each_team_that_pulled_it_wherever_it_lay_and_once(
    database: Database,
) -> None:
    risk = person(database, "dora", Role.DEVELOPER, "risk")
    trading = person(database, "theo", Role.DEVELOPER, "trading")
    other = person(database, "olga", Role.DEVELOPER, "other")
    content = "sha256:" + "a" * 64
    pulled: dict[str, Any] = {"outcome": "allow", "blob": content}
    happens(
        database,
        event(Action.DOWNLOAD, actor="build-7", team="risk", **pulled),
        event(Action.DOWNLOAD, actor="laptop-3", team="trading", repo="acme/copy", **pulled),
        event(Action.DOWNLOAD, actor="laptop-4", team="other", repo="acme/else", outcome="allow"),
        event(Action.INCIDENT, kind=None, repo="", commit=None, blob=content, outcome="block", subject="i1"),
    )
    maker(database).step()
    told = [inbox(database, who) for who in (risk, trading, other)]
    assert told == [["decision.reversed"], ["decision.reversed"], []]
    whole = next(one for one in notices(database) if one.audience == "overseers")
    assert {one["token"] for one in json.loads(whole.document)["data"]["used_by"]} == {"build-7", "laptop-3"}


def test_a_publisher_that_is_withdrawn_is_told_of_once_and_not_again_for_each_commit(database: Database) -> None:
    risk = person(database, "dora", Role.DEVELOPER, "risk")
    happens(
        database,
        event(Action.DOWNLOAD, actor="build-7", team="risk", outcome="allow"),
        event(Action.INCIDENT, kind=None, repo="acme/*", commit=None, outcome="block", subject="i1"),
        allowed_no_more(rules="blocked-list"),
        allowed_no_more(rules="unsafe-file", repo="acme/two"),
    )
    maker(database).step()
    assert inbox(database, risk) == ["decision.reversed"]
    assert [one.ref for one in notices(database)] == ["i1", "i1", ""], "what another rule blocks is told of for itself"


def test_a_crash_between_two_batches_loses_nobody_and_tells_nobody_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewers = [person(database, f"rita{number}", Role.REVIEWER) for number in range(7)]
    happens(database, event(Action.REQUEST, outcome="ask", actor="dora", subject="r1"))
    monkeypatch.setattr(spreading, "_PEOPLE", 3)
    real, batches = spreading._write, []

    def dies(connection: Any, parts: Any) -> None:
        real(connection, parts)
        batches.append(1)
        if len(batches) == 2:
            raise ConnectionError

    with monkeypatch.context() as crash:
        crash.setattr(spreading, "_write", dies)
        with pytest.raises(ConnectionError):
            maker(database).step()
    assert sum(len(inbox(database, one)) for one in reviewers) == 3, "the second batch is undone, the first is kept"
    late = spreading._plan
    with database.read() as session:
        parts = late(session, mails=True)
    maker(database).step()
    with database.write_rows() as connection:
        real(connection, parts)
    assert [inbox(database, one) for one in reviewers] == [["exception.asked"]] * 7, "who comes late writes nothing"

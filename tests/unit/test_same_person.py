"""A person with two accounts counts as one where two people must agree."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database
from curator.errors import BadInput, NotAllowed
from curator.people import same, tokens, users
from curator.people.by import By
from curator.people.names import NoSuchName
from curator.people.roles import Role
from curator.people.tokens import NewToken
from curator.people.users import NewUser
from curator.review import apart, deciding
from curator.review.verdicts import Answer
from tests.unit.test_requests import House, house
from tests.unit.test_two_people import waives

__all__ = ["house"]
BY = By("root")


def made(session: Session, *logins: str) -> None:
    for login in logins:
        users.make_user(session, NewUser(login=login, role=Role.REVIEWER), BY)


def test_who_has_agreed_does_not_agree_again_by_another_account_of_his(house: House) -> None:
    house.people("ada", "ada-admin", "bob")
    ruling = house.judged("acme/tiny", gated=True)
    house.asks(ruling)
    (done,) = house.decide(Answer.APPROVE, *house.lines(), by="ada")
    assert done.proposal is not None
    with house.database.write() as session:
        same.say_same(session, "ada-admin", "ada", BY)
    with pytest.raises(NotAllowed, match="ada-admin is the same person as ada, who has agreed to this already"):
        deciding.second(house.database, done.proposal.id, "ada-admin", "", house.desk, agrees=True)
    assert house.outcome_now(ruling) == "hold"
    deciding.second(house.database, done.proposal.id, "bob", "", house.desk, agrees=True)
    assert house.outcome_now(ruling) == "allow"


def test_what_somebody_has_asked_for_he_opens_by_no_other_account_of_his(house: House) -> None:
    house.people("ada", "ada2", "bob")
    with house.database.write() as session:
        same.say_same(session, "ada", "ada2", BY)
        tokens.make_token(session, NewToken(name="ops", role=Role.REVIEWER), By("ada2"))
    ruling = house.judged("acme/tiny")
    house.asks(ruling, "ada")
    with pytest.raises(NotAllowed, match="ada, who is the same person as ada2, has asked for acme/tiny"):
        waives(house, ruling.id, "ada2")
    with pytest.raises(NotAllowed, match="ada, who is the same person as ada2, who made the token ops, has asked for"):
        waives(house, ruling.id, "ops")
    waives(house, ruling.id, "bob")


def test_what_two_accounts_agreed_to_before_they_were_said_to_be_one_is_named(house: House) -> None:
    house.people("ada", "ada2", "bob")
    ruling = house.judged("acme/tiny", gated=True)
    house.asks(ruling)
    (done,) = house.decide(Answer.APPROVE, *house.lines(), by="ada")
    assert done.proposal is not None
    deciding.second(house.database, done.proposal.id, "ada2", "", house.desk, agrees=True)
    with house.database.write() as session:
        assert apart.resting_on_one(session, "ada") == []
        same.say_same(session, "ada", "ada2", BY)
        (named,) = apart.resting_on_one(session, "ada")
        assert apart.resting_on_one(session, "bob") == []
    assert named.startswith(("waiver ", "list entry "))


def test_all_that_are_said_to_be_one_are_one_and_each_can_be_taken_out(database: Database) -> None:
    with database.write() as session:
        made(session, "a", "b", "c", "d", "e")
        same.say_same(session, "a", "b", BY)
        same.say_same(session, "c", "d", BY)
        assert same.distinct(session, ["b", "A", "c", "e", "stranger", "d"]) == ("b", "c", "e", "stranger")
        user = same.say_same(session, "d", "A", BY)
        assert set(user.same_as) == {"a", "b", "c"}
        assert same.distinct(session, ["a", "b", "c", "d", "e"]) == ("a", "e")
        assert {one.login: set(one.same_as) for one in users.list_users(session)}["b"] == {"a", "c", "d"}
        same.say_apart(session, "a", BY)
        assert same.distinct(session, ["a", "b", "c", "d"]) == ("a", "b")
        same.say_apart(session, "b", BY)
        same.say_apart(session, "c", BY)
        assert same.names_of(session, "d") == ("d",)
        with pytest.raises(BadInput, match="is not said to be the same person as anybody"):
            same.say_apart(session, "d", BY)
        rows = session.exec(select(AuditRow).where(AuditRow.action == Action.USER, AuditRow.outcome == "same")).all()
    assert [row.sentence for row in rows] == [
        "a and b are said to be one person",
        "c and d are said to be one person",
        "d and a are said to be one person",
    ]


def test_nobody_becomes_two_people_by_his_own_word(database: Database) -> None:
    with database.write() as session:
        made(session, "ada", "ada2")
        same.say_same(session, "ada", "ada2", BY)
        for his in ("ada", "ADA2"):
            with pytest.raises(NotAllowed, match="another administrator"):
                same.say_apart(session, "ada2", By(his))
        with pytest.raises(BadInput, match="is one account"):
            same.say_same(session, "ada", "ADA", BY)
        with pytest.raises(NoSuchName):
            same.say_same(session, "ada", "eve", BY)

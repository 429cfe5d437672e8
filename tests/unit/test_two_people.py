"""The rule of two people, as somebody would go around it who is one."""

from __future__ import annotations

import pytest

from curator.audit.asking import asks
from curator.database.engine import Database, now
from curator.errors import BadInput, NotAllowed
from curator.people import tokens, users
from curator.people.by import By
from curator.people.caller import Caller
from curator.people.names import Taken
from curator.people.roles import Role
from curator.people.tables import TokenRow
from curator.people.tokens import NewToken, create_token
from curator.people.users import NewUser, UserChange
from curator.review import deciding, listing, requests, waiving
from curator.review.targets import Target
from curator.review.verdicts import Answer, Answered
from curator.web.asking import who
from rules.circumstances import ListEffect, Scope
from tests.unit.test_requests import DAY, LIMITS, House, house

__all__ = ["house"]
BY = By("root")


def waives(house: House, decision: str, by: str) -> None:
    wanted = waiving.Request(
        decision=decision, which=waiving.Which(), scope=Scope(), reason="read", by=by, expires_at=now() + DAY
    )
    waiving.waive(house.database, wanted, house.desk.rule_set, LIMITS)


def lists(house: House, glob: str, by: str, effect: ListEffect = ListEffect.APPROVE) -> None:
    target = Target(glob, (glob,))
    wanted = listing.Request(
        effect=effect,
        targets=[target],
        kinds=("model",),
        scope=Scope(),
        reason="read",
        by=by,
        expires_at=now() + DAY,
    )
    listing.put(house.database, wanted, house.desk.rule_set)


def test_what_somebody_has_asked_for_he_opens_through_no_other_door(house: House) -> None:
    ruling = house.judged("acme/tiny")
    for name in ("ada", "bob"):
        create_token(house.database, name, Role.REVIEWER)
    house.asks(ruling, "ada")
    with pytest.raises(NotAllowed, match="ada has asked for acme/tiny: somebody else"):
        waives(house, ruling.id, "ada")
    for glob in ("acme/tiny", "Acme/*", "*"):
        with pytest.raises(NotAllowed, match="ada has asked for acme/tiny: somebody else"):
            lists(house, glob, "ada")
    assert house.outcome_now(ruling) == "hold"
    lists(house, "acme/*", "ada", ListEffect.BLOCK)
    waives(house, ruling.id, "bob")


def test_nor_after_he_has_withdrawn_it(house: House) -> None:
    ruling = house.judged("acme/tiny")
    for name in ("ada", "bob"):
        create_token(house.database, name, Role.REVIEWER)
    asked = house.asks(ruling, "ada")
    house.asks(ruling, "dev")
    requests.withdraw(house.database, asked.request.id, "ada")
    with pytest.raises(NotAllowed):
        house.decide(Answer.APPROVE, *house.lines(), by="ada")
    requests.withdraw(house.database, asked.request.id, "dev")
    with pytest.raises(NotAllowed):
        waives(house, ruling.id, "ada")


@pytest.mark.parametrize("how", ["disabled", "demoted"])
def test_who_may_decide_no_more_is_not_one_of_two(house: House, how: str) -> None:
    database: Database = house.database
    house.people("bob")
    ruling = house.judged("acme/tiny", gated=True)
    house.asks(ruling)
    with database.write() as session:
        users.make_user(session, NewUser(login="root", role=Role.ADMIN), BY)
        users.make_user(session, NewUser(login="Ada", role=Role.REVIEWER), BY)
    (done,) = house.decide(Answer.APPROVE, *house.lines(), by="Ada")
    assert done.proposal is not None
    with database.write() as session:
        if how == "disabled":
            users.disable_user(session, "Ada", BY)
        else:
            users.change_user(session, "ada", UserChange(role=Role.DEVELOPER), BY)
    with pytest.raises(Answered, match="Ada has agreed to this and may decide no longer"):
        deciding.second(database, done.proposal.id, "bob", "", house.desk, agrees=True)
    assert house.outcome_now(ruling) == "hold"
    deciding.second(database, done.proposal.id, "bob", "not hers to say", house.desk, agrees=False)


def test_a_token_that_belongs_to_nobody_is_neither_the_first_nor_the_second_person(house: House) -> None:
    house.people("ada", "bob")
    with house.database.write() as session:
        tokens.make_token(session, NewToken(name="ops", role=Role.ADMIN), By("ada"))
    ruling = house.judged("acme/tiny", gated=True)
    house.asks(ruling)
    with pytest.raises(NotAllowed, match="ops is a token that belongs to nobody, and a rule here wants several people"):
        house.decide(Answer.APPROVE, *house.lines(), by="ops")
    (done,) = house.decide(Answer.APPROVE, *house.lines(), by="ada")
    assert done.proposal is not None
    with pytest.raises(NotAllowed, match="sign in to your own account, or use a token of it"):
        deciding.second(house.database, done.proposal.id, "ops", "", house.desk, agrees=True)
    assert house.outcome_now(ruling) == "hold"
    deciding.second(house.database, done.proposal.id, "bob", "", house.desk, agrees=True)
    assert house.outcome_now(ruling) == "allow"


def test_nor_one_that_is_called_as_somebody_is(house: House) -> None:
    """As databases may have them from before names were kept apart."""
    house.people("ada", "bob")
    with house.database.write() as session:
        made, _ = tokens.make_token(session, NewToken(name="ops", role=Role.REVIEWER), By("ada"))
        row = session.get_one(TokenRow, made.id)
        row.name = "bob"
        session.add(row)
    ruling = house.judged("acme/tiny", gated=True)
    house.asks(ruling)
    (done,) = house.decide(Answer.APPROVE, *house.lines(), by="ada")
    assert done.proposal is not None
    said = asks.set(who(Caller("bob", Role.REVIEWER, made.id), None, None))
    try:
        with pytest.raises(NotAllowed, match="bob is a token that belongs to nobody"):
            deciding.second(house.database, done.proposal.id, "bob", "", house.desk, agrees=True)
    finally:
        asks.reset(said)
    deciding.second(house.database, done.proposal.id, "bob", "", house.desk, agrees=True)


def test_what_is_nobodys_is_not_called_as_a_person_is_nor_a_person_as_it(house: House) -> None:
    house.people("ada")
    with house.database.write() as session:
        for name in ("ada", "Ada"):
            with pytest.raises(BadInput, match="There is a person named 'ada', for whom this token would be taken"):
                tokens.make_token(session, NewToken(name=name, role=Role.REVIEWER), BY)
        tokens.make_token(session, NewToken(name="ada", role=Role.REVIEWER, owner="ada"), BY)
        made, _ = tokens.make_token(session, NewToken(name="Ops", role=Role.REVIEWER), BY)
        with pytest.raises(Taken, match="There is a token named 'Ops' that belongs to nobody"):
            users.make_user(session, NewUser(login="ops", role=Role.ADMIN), BY)
        tokens.revoke(session, made.id, BY)
        users.make_user(session, NewUser(login="ops", role=Role.ADMIN), BY)


def test_what_somebody_has_asked_for_he_opens_by_no_token_that_he_made_for_nobody(house: House) -> None:
    house.people("ada", "bob")
    with house.database.write() as session:
        tokens.make_token(session, NewToken(name="ops", role=Role.REVIEWER), By("ada"))
        tokens.make_token(session, NewToken(name="desk", role=Role.REVIEWER), By("bob"))
    ruling = house.judged("acme/tiny")
    house.asks(ruling, "ada")
    with pytest.raises(NotAllowed, match="ada, who made the token ops, has asked for acme/tiny"):
        waives(house, ruling.id, "ops")
    waives(house, ruling.id, "desk")

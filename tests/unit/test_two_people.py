"""The rule of two people, as somebody would go around it who is one."""

from __future__ import annotations

import pytest

from curator.database.engine import Database, now
from curator.errors import NotAllowed
from curator.people import tokens, users
from curator.people.by import By
from curator.people.roles import Role
from curator.people.tokens import create_token
from curator.people.users import NewUser, UserChange
from curator.review import deciding, listing, requests, waiving
from curator.review.targets import Target
from curator.review.verdicts import Answer, Answered
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


@pytest.mark.parametrize("how", ["disabled", "demoted", "revoked"])
def test_who_may_decide_no_more_is_not_one_of_two(house: House, how: str) -> None:
    database: Database = house.database
    ruling = house.judged("acme/tiny", gated=True)
    house.asks(ruling)
    with database.write() as session:
        users.make_user(session, NewUser(login="root", role=Role.ADMIN), BY)
        if how == "revoked":
            made, _ = tokens.make_token(session, tokens.NewToken(name="Ada", role=Role.REVIEWER), BY)
        else:
            users.make_user(session, NewUser(login="Ada", role=Role.REVIEWER), BY)
    (done,) = house.decide(Answer.APPROVE, *house.lines(), by="Ada")
    assert done.proposal is not None
    with database.write() as session:
        if how == "revoked":
            tokens.revoke(session, made.id, BY)
        elif how == "disabled":
            users.disable_user(session, "Ada", BY)
        else:
            users.change_user(session, "ada", UserChange(role=Role.DEVELOPER), BY)
    with pytest.raises(Answered, match="Ada has agreed to this and may decide no longer"):
        deciding.second(database, done.proposal.id, "bob", "", house.desk, agrees=True)
    assert house.outcome_now(ruling) == "hold"
    deciding.second(database, done.proposal.id, "bob", "not hers to say", house.desk, agrees=False)

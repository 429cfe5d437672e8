"""People, teams and tokens: who may be made, what they may, and when that ends."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.database.generation import Generation
from curator.errors import BadInput, CuratorError, NotAllowed, UnknownToken
from curator.people import account, bearer, linking, teams, tokens, users
from curator.people.by import By
from curator.people.caller import Caller
from curator.people.identity import Identity
from curator.people.names import NAME, NoSuchName, Taken, check_email, check_name
from curator.people.roles import MAY, Role, lesser
from curator.people.seen import Seen
from curator.people.tables import TokenRow, UserRow
from curator.people.tokens import NewToken
from curator.people.users import LastAdmin, NewUser, UserChange
from rules.circumstances import EVERYBODY, Audience

BY = By("ada", token_name="laptop")


def person(session: Session, login: str, role: Role = Role.DEVELOPER, team: str = "") -> users.User:
    return users.make_user(session, NewUser(login=login, role=role, home=Audience(team, "")), BY)


def recorded(database: Database, action: Action) -> list[tuple[str, str | None, str]]:
    with database.read() as session:
        rows = session.exec(select(AuditRow).where(AuditRow.action == action.value).order_by(col(AuditRow.seq)))
        return [(row.actor, row.subject, row.outcome) for row in rows]


def test_two_people_never_differ_in_capitals_alone(database: Database) -> None:
    with database.write() as session:
        person(session, "Alice")
        with pytest.raises(Taken, match="a person named 'Alice' already"):
            person(session, "aLICE")
        assert users.find_user(session, "ALICE").login == "Alice"


@pytest.mark.parametrize("login", ["", "a b", "-a", "a@b", "ü", "x" * 65, "a/b", "a\n"])
def test_a_name_that_the_record_cannot_say_is_refused_in_a_sentence(database: Database, login: str) -> None:
    with database.write() as session, pytest.raises(BadInput, match="is not a person's name: write it with letters"):
        person(session, login)


def test_who_is_disabled_is_nobody_from_that_moment_on_and_stays_in_the_record(database: Database) -> None:
    generation = Generation(database)
    with database.write() as session:
        person(session, "bob")
        _, secret = tokens.make_token(session, NewToken(name="laptop", owner="bob"), BY)
    identity = Identity(database, anonymous_may_pull=True, url="https://mirror.example")
    assert identity.caller(f"Bearer {secret}").name == "bob"
    before = generation.current()
    with database.write() as session:
        users.disable_user(session, "bob", BY)
    assert generation.current() != before, "every process is to forget who he was"
    with pytest.raises(UnknownToken, match=r"^bob was disabled here on \d{4}-.*: ask the mirror's"):
        identity.caller(f"Bearer {secret}")
    with database.write() as session:
        users.enable_user(session, "bob", BY)
    assert identity.caller(f"Bearer {secret}").name == "bob"
    outcomes = [outcome for _, subject, outcome in recorded(database, Action.USER) if subject == "bob"]
    assert outcomes == ["made", "disabled", "enabled"]


def test_the_last_administrator_can_be_neither_disabled_nor_made_less(database: Database) -> None:
    with database.write() as session:
        person(session, "ada", Role.ADMIN)
        with pytest.raises(LastAdmin, match="ada is the last administrator and cannot be disabled"):
            users.disable_user(session, "ada", BY)
        with pytest.raises(LastAdmin, match="cannot be given another role"):
            users.change_user(session, "ada", UserChange(role=Role.SECURITY), BY)
        person(session, "eve", Role.ADMIN)
        users.disable_user(session, "ada", BY)
        with pytest.raises(LastAdmin, match="eve is the last"):
            users.change_user(session, "eve", UserChange(role=Role.DEVELOPER), BY)


def test_one_identity_of_a_provider_is_one_person(database: Database) -> None:
    with database.write() as session:
        made = users.make_user(
            session, NewUser(login="ada", role=Role.DEVELOPER, issuer="https://id.example", subject="1"), BY
        )
        assert users.user_by_identity(session, "https://id.example", "1") == made
        person(session, "bob")
        link = linking.invite(session, "bob", "https://id.example", BY).secret
        with pytest.raises(Taken, match="You are ada here already"):
            linking.link(session, link, "https://id.example", "1", BY)
        link = linking.invite(session, "bob", "https://id.example", BY).secret
        linking.link(session, link, "https://id.example", "2", BY)
        found = users.user_by_identity(session, "https://id.example", "2")
        assert found is not None
        assert found.login == "bob"


def test_from_the_first_team_on_a_slip_of_the_pen_is_no_team(database: Database) -> None:
    with database.write() as session:
        tokens.make_token(session, NewToken(name="free", audience=Audience("anything", "p")), BY)
        teams.make_team(session, "search", "", BY)
        with pytest.raises(BadInput, match="There is no team 'serach': make it with `curator team create serach`"):
            tokens.make_token(session, NewToken(name="slip", audience=Audience("serach", "")), BY)
        with pytest.raises(BadInput, match="There is no team 'serach'"):
            person(session, "bob", team="serach")
        tokens.make_token(session, NewToken(name="still-free", audience=Audience("search", "any")), BY)
        teams.make_project(session, "search", "shop", "", BY)
        with pytest.raises(BadInput, match="There is no project 'shpo' that the team 'search' has"):
            tokens.make_token(session, NewToken(name="slip", audience=Audience("search", "shpo")), BY)
        with pytest.raises(BadInput, match="There is no project 'shop' that no team is named that has"):
            tokens.make_token(session, NewToken(name="slip", audience=Audience("", "shop")), BY)


def test_a_token_of_before_stays_what_it_was_whatever_teams_are_made(database: Database) -> None:
    secret = tokens.create_token(database, "old", Role.DEVELOPER, Audience("nobody-made-it", ""))
    with database.write() as session:
        teams.make_team(session, "search", "", BY)
    with database.read() as session:
        caller = bearer.caller_of(session, secret)
    assert caller is not None
    assert (caller.name, caller.audience, caller.until) == ("old", Audience("nobody-made-it", ""), None)


def test_who_leaves_a_team_asks_for_it_no_longer(database: Database) -> None:
    with database.write() as session:
        teams.make_team(session, "search", "", BY)
        teams.make_team(session, "fraud", "", BY)
        person(session, "bob", team="search")
        teams.add_member(session, "fraud", "BOB", BY)
        _, for_search = tokens.make_token(session, NewToken(name="a", owner="bob"), BY)
        wanted = NewToken(name="b", owner="bob", audience=Audience("fraud", ""))
        _, for_fraud = tokens.make_token(session, wanted, BY)
        teams.remove_member(session, "search", "bob", BY)
        bob = users.find_user(session, "bob")
        assert (bob.teams, bob.team) == (("fraud",), "")
        with pytest.raises(UnknownToken, match="was revoked"):
            bearer.caller_of(session, for_search)
        assert bearer.caller_of(session, for_fraud) is not None
        with pytest.raises(BadInput, match="bob is not in the team 'search'"):
            tokens.make_token(session, NewToken(name="c", owner="bob", audience=Audience("search", "")), BY)


def test_a_team_that_has_ended_leaves_nobody_who_asks_for_it(database: Database) -> None:
    with database.write() as session:
        teams.make_team(session, "search", "Search", BY)
        teams.make_project(session, "search", "shop", "", BY)
        person(session, "bob", team="search")
        _, bobs = tokens.make_token(session, NewToken(name="a", owner="bob"), BY)
        _, service = tokens.make_token(session, NewToken(name="ci", audience=Audience("search", "shop")), BY)
        ended = teams.end_team(session, "search", BY)
        assert (ended.members, ended.projects, ended.tokens) == (1, 1, 2)
        for secret in (bobs, service):
            with pytest.raises(UnknownToken, match="was revoked"):
                bearer.caller_of(session, secret)
        assert users.find_user(session, "bob").teams == ()
        assert [one.name for one in teams.list_projects(session, state="ended")] == ["shop"]
        with pytest.raises(Taken):
            teams.make_team(session, "SEARCH", "", BY)
        assert teams.make_team(session, "search", "", BY).ended_at is None
    assert ("ada", "search", "ended") in recorded(database, Action.TEAM)
    assert [one for one in recorded(database, Action.TOKEN) if one[2] == "revoked"] == [
        ("ada", "a", "revoked"),
        ("ada", "ci", "revoked"),
    ]


def test_a_token_may_never_do_more_than_its_owner_at_this_moment(database: Database) -> None:
    with database.write() as session:
        person(session, "bob", Role.REVIEWER)
        with pytest.raises(BadInput, match="bob has the role reviewer"):
            tokens.make_token(session, NewToken(name="big", owner="bob", role=Role.ADMIN), BY)
        _, secret = tokens.make_token(session, NewToken(name="a", owner="bob", role=Role.REVIEWER), BY)
    for role in (Role.DEVELOPER, Role.AUDITOR, Role.ADMIN):
        with database.write() as session:
            users.change_user(session, "bob", UserChange(role=role), BY)
            caller = bearer.caller_of(session, secret)
        assert caller is not None
        assert MAY[caller.role] <= MAY[role]
        assert MAY[caller.role] <= MAY[Role.REVIEWER]


@given(st.sampled_from(list(MAY)), st.sampled_from(list(MAY)))
def test_the_lesser_of_two_roles_may_nothing_that_one_of_them_may_not(one: Role, other: Role) -> None:
    if Role.ANONYMOUS not in (one, other):
        assert MAY[lesser(one, other)] <= MAY[one] & MAY[other]
        assert MAY[lesser(one, other)] == MAY[lesser(other, one)]


def test_a_token_ends_at_its_moment_and_says_so_to_whoever_holds_it(database: Database) -> None:
    with database.write() as session:
        person(session, "bob")
        wanted = NewToken(name="a", owner="bob", expires_at=now() + dt.timedelta(seconds=0.5))
        _, secret = tokens.make_token(session, wanted, BY)
    identity = Identity(database, anonymous_may_pull=True, url="https://mirror.example")
    assert identity.caller(f"Bearer {secret}").name == "bob"
    time.sleep(0.6)
    said = r"^This token ended on \d{4}-\d\d-\d\d: make a new one at https://mirror.example/-/account$"
    with pytest.raises(UnknownToken, match=said):
        identity.caller(f"Bearer {secret}")


def test_a_persons_token_lasts_as_long_as_is_allowed_and_a_services_as_long_as_is_said(database: Database) -> None:
    with database.write() as session:
        person(session, "bob")
        mine, _ = tokens.make_token(session, NewToken(name="a", owner="bob"), BY, 90)
        service, _ = tokens.make_token(session, NewToken(name="ci"), BY, 90)
        assert mine.expires_at is not None
        assert abs(mine.expires_at - now() - dt.timedelta(days=90)) < dt.timedelta(minutes=1)
        assert service.expires_at is None
        far = NewToken(name="b", owner="bob", expires_at=now() + dt.timedelta(days=92))
        with pytest.raises(BadInput, match=r"A token may last 90 days here \(CURATOR_TOKEN_MAX_DAYS\)"):
            tokens.make_token(session, far, BY, 90)
        with pytest.raises(BadInput, match="cannot end before it begins"):
            tokens.make_token(session, NewToken(name="c", owner="bob", expires_at=now()), BY, 90)


def test_a_token_made_anew_leaves_the_old_one_its_grace_and_no_more(database: Database) -> None:
    with database.write() as session:
        person(session, "bob")
        old, before = tokens.make_token(session, NewToken(name="a", owner="bob"), BY, 90)
        new, after = tokens.rotate(session, old.id, dt.timedelta(hours=1), BY, max_days=90)
        assert (new.name, new.role, new.owner) == ("a", old.role, "bob")
        assert before != after
        first = bearer.caller_of(session, before)
        assert first is not None
        assert first.until is not None
        assert first.until <= now() + dt.timedelta(hours=1)
        tokens.rotate(session, new.id, dt.timedelta(0), BY, max_days=90)
        with pytest.raises(UnknownToken, match="ended"):
            bearer.caller_of(session, after)
        assert len(tokens.revoke_named(session, "a", "bob", BY)) == 2
        with pytest.raises(UnknownToken, match="revoked"):
            bearer.caller_of(session, before)
        with pytest.raises(NoSuchName, match="no token named 'a' of bob"):
            tokens.revoke_named(session, "a", "bob", BY)


def test_only_a_fingerprint_of_a_token_is_kept_and_nothing_of_it_is_on_the_record(database: Database) -> None:
    secret = tokens.create_token(database, "ci", Role.ROBOT)
    with database.read() as session:
        kept = " ".join(str(row) for row in session.exec(select(TokenRow)))
        said = " ".join(str(row) for row in session.exec(select(AuditRow)))
    assert secret not in kept + said
    assert secret[6:] not in kept + said


def test_a_token_makes_none_that_may_more_asks_for_others_or_outlives_it(database: Database) -> None:
    with database.write() as session:
        for name in ("search", "fraud"):
            teams.make_team(session, name, "", BY)
        person(session, "bob", Role.ADMIN, "search")
        teams.add_member(session, "fraud", "bob", BY)
        soon = now() + dt.timedelta(days=3)
        _, secret = tokens.make_token(session, NewToken(name="a", owner="bob", expires_at=soon), BY)
        caller = bearer.caller_of(session, secret)
        assert caller is not None
        wanted = NewToken(name="b")
        for wrong, why in (
            (NewToken(name="b", role=Role.ADMIN), "make no token that may more"),
            (NewToken(name="b", audience=Audience("fraud", "")), "another team or project"),
            (NewToken(name="b", expires_at=soon + dt.timedelta(days=9)), "outlives it"),
        ):
            with pytest.raises(NotAllowed, match=why):
                account.make_own_token(session, caller, wrong, BY, 365)
        made, _ = account.make_own_token(session, caller, wanted, BY, 365)
        assert (made.owner, made.team, made.expires_at) == ("bob", "search", soon)
        again, _ = account.rotate_own_token(session, caller, made.id, dt.timedelta(0), BY, 365)
        assert again.expires_at == soon
        in_console = Caller("bob", Role.ADMIN, None, "search", "", caller.user_id, "session")
        big = NewToken(name="c", role=Role.ADMIN, audience=Audience("fraud", ""))
        assert account.make_own_token(session, in_console, big, BY, 365)[0].role is Role.ADMIN


def test_nobody_touches_the_tokens_of_others_by_his_own_account(database: Database) -> None:
    with database.write() as session:
        person(session, "bob")
        eve = person(session, "eve")
        token, _ = tokens.make_token(session, NewToken(name="a", owner="bob"), BY)
        caller = Caller("eve", Role.DEVELOPER, None, user_id=eve.id, session_id="s")
        with pytest.raises(NoSuchName, match="You have no token"):
            account.revoke_own_token(session, caller, token.id, BY)
        with pytest.raises(NoSuchName):
            account.rotate_own_token(session, caller, token.id, dt.timedelta(0), BY, 365)
        with pytest.raises(BadInput, match="You are not in the team"):
            account.change_own(session, caller, BY, full_name=None, team="search", project=None)
        service = Caller("ci", Role.DEVELOPER, "t")
        with pytest.raises(account.NoAccount, match="ci is no person"):
            account.own_user(session, service)


def test_when_a_token_was_last_used_is_written_once_an_hour(database: Database) -> None:
    with database.write() as session:
        person(session, "bob")
        _, secret = tokens.make_token(session, NewToken(name="a", owner="bob"), BY)
        caller = bearer.caller_of(session, secret)
    assert caller is not None

    def used() -> tuple[dt.datetime | None, dt.datetime | None]:
        with database.read() as session:
            token = session.exec(select(TokenRow).where(TokenRow.name == "a")).one()
            return token.last_used_at, session.exec(select(UserRow)).one().last_seen_at

    seen, another = Seen(database), Seen(database)
    seen.note(caller)
    assert used() == (None, None), "nobody waits for it"
    seen.write()
    first = used()
    assert None not in first
    for process in (seen, another):
        process.note(caller)
        process.write()
    assert used() == first, "of several processes, one writes"
    with database.write() as session:
        token = session.exec(select(TokenRow).where(TokenRow.name == "a")).one()
        token.last_used_at = now() - dt.timedelta(hours=2)
        session.add(token)
    third = Seen(database)
    third.note(caller)
    third.write()
    assert used()[0] != first[0]


def test_lists_come_in_pages_and_each_once(database: Database) -> None:
    with database.write() as session:
        for number in range(7):
            teams.make_team(session, f"team{number}", "", BY)
            person(session, f"person{number}", team=f"team{number}")
            tokens.make_token(session, NewToken(name=f"t{number}", owner=f"person{number}"), BY)
            for project in ("a", "b"):
                teams.make_project(session, f"team{number}", project, "", BY)
        seen: list[str] = []
        while page := users.list_users(session, after=seen[-1] if seen else "", limit=3):
            seen += [one.login for one in page]
        assert seen == [f"person{number}" for number in range(7)]
        ids: list[str] = []
        while found := tokens.list_tokens(session, after=ids[-1] if ids else "", limit=2):
            ids += [one.id for one in found]
        assert len(ids) == len(set(ids)) == 7
        pairs: list[tuple[str, str]] = []
        while projects := teams.list_projects(session, after=pairs[-1] if pairs else ("", ""), limit=3):
            pairs += [(one.team, one.name) for one in projects]
        assert pairs == sorted(pairs)
        assert len(pairs) == 14
        assert [one.login for one in users.list_users(session, search="N3")] == ["person3"]
        assert users.list_users(session, search="%") == []
        assert [one.owner for one in tokens.list_tokens(session, search="person5")] == ["person5"]


@given(st.text(max_size=80))
def test_whatever_is_written_as_a_name_is_one_or_is_refused(text: str) -> None:
    try:
        assert NAME.fullmatch(check_name("team", text))
    except BadInput as error:
        assert "\n" not in error.sentence


@given(st.text(max_size=80) | st.emails())
def test_whatever_is_written_as_an_address_is_one_line(text: str) -> None:
    try:
        assert check_email(text).count("@") == (1 if text else 0)
        assert text.isprintable()
    except BadInput as error:
        assert error.sentence.isprintable()


def test_the_first_start_makes_an_administrators_token_once(database: Database) -> None:
    secret = tokens.create_first_admin(database)
    assert tokens.create_first_admin(database) is None
    with database.read() as session:
        caller = bearer.caller_of(session, secret or "")
    assert caller is not None
    assert (caller.role, caller.audience, caller.user_id) == (Role.ADMIN, EVERYBODY, None)


def test_what_is_wrong_with_a_change_changes_nothing(database: Database) -> None:
    with database.write() as session:
        teams.make_team(session, "search", "", BY)
        bob = person(session, "bob", team="search")
    for change in (UserChange(team="nowhere"), UserChange(email="x"), UserChange(full_name="a" * 300)):
        with pytest.raises(CuratorError), database.write() as session:
            users.change_user(session, "bob", change, BY)
    with database.read() as session:
        assert users.find_user(session, "bob") == bob


def test_teams_that_nobody_has_made_are_named_once_there_are_teams(database: Database) -> None:
    with database.write() as session:
        assert teams.unmade(session, {"old", ""}) == frozenset(), "before the first team, names are free"
        teams.make_team(session, "search", "", BY)
        assert teams.unmade(session, {"old", "search", ""}) == {"old"}

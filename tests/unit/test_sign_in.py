"""What sign-in rests on: passwords, counted attempts, sessions and links, on each database."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from curator.console.sign_in import browser_of, own_path
from curator.database.engine import Database, now
from curator.errors import BadInput, BadSettings
from curator.people import accounts, attempts, sessions
from curator.people.accounts import LinkOver
from curator.people.attempts import Counted
from curator.people.by import By
from curator.people.caller import Caller
from curator.people.cookies import Cookies
from curator.people.oidc import Attempt, Identity, NoGroup, standing
from curator.people.passwords import Passwords, TooMany, check_good
from curator.people.pipelines import claimed_issuer, fits, job_name
from curator.people.roles import Role
from curator.people.sessions import Lasting
from curator.people.sign_in import SignIn, SignInRefused
from curator.people.sign_in_tables import AttemptRow, InvitationRow, PasswordRow, SessionRow
from curator.people.users import ROLES, NewUser, User, make_user
from curator.settings import Settings
from curator.trust import Group

BY = By("administrator")
LASTING = Lasting(dt.timedelta(hours=12), dt.timedelta(hours=2))
GOOD = "tulip kettle amber 7"


def made(session: Session, login: str = "anna", role: Role = Role.DEVELOPER) -> User:
    return make_user(session, NewUser(login=login, role=role), BY)


def caller(user: User) -> Caller:
    return Caller(user.login, user.role, None, "", "", user.id)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1234",
        "P@ssw0rd2024!",
        "qwertyuiop12",
        "123456789012",
        "1qaz2wsx3edc",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "correct horse battery",
        "Welcome2024!!",
        "anna-anna-anna",
        "annaannaanna",
        "x" * 300,
    ],
)
def test_passwords_that_are_guessed_first_are_refused(password: str) -> None:
    with pytest.raises(BadInput):
        check_good(password, "anna")


@pytest.mark.parametrize(
    "password",
    [GOOD, "mT9#kd0!pQz4", "Grüße aus Übersee", "四つの言葉を並べると十分に長い", "anna likes 40 green frogs"],
)
def test_several_words_or_random_letters_are_good(password: str) -> None:
    check_good(password, "anna")


@given(st.text(min_size=0, max_size=300), st.text(min_size=1, max_size=64))
def test_whatever_is_typed_as_a_password_is_judged(password: str, login: str) -> None:
    try:
        check_good(password, login)
    except BadInput as error:
        assert len(password) < 12 or password not in error.sentence


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    async def tried() -> bool:
        passwords = Passwords()
        return await passwords.fits(await passwords.hashed("Gru\u0308ße aus Übersee"), "Grüße aus Übersee")

    assert asyncio.run(tried())


def test_a_password_that_was_hashed_with_other_parameters_is_hashed_anew_at_sign_in(database: Database) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(GOOD)
    with database.write() as session:
        user = made(session)
        session.add(PasswordRow(user_id=user.id, hashed=old, changed_at=now()))

    async def signed_in() -> None:
        await SignIn(Settings(), database).by_password("anna", GOOD, By("anonymous", address="192.0.2.1"))

    asyncio.run(signed_in())
    with database.read() as session:
        kept = session.get(PasswordRow, user.id)
    assert kept is not None
    assert kept.hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_flood_of_attempts_waits_or_is_sent_away_and_fills_no_memory() -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def slow(_: str) -> bool:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        threading.Event().wait(0.01)
        with lock:
            at_once -= 1
        return True

    async def flood() -> list[Any]:
        passwords = Passwords()
        return await asyncio.gather(*(passwords._in_turn(slow, "x") for _ in range(60)), return_exceptions=True)

    answers = asyncio.run(flood())
    assert most == 2
    assert sum(isinstance(one, TooMany) for one in answers) == 60 - 32


def test_the_wait_doubles_is_bounded_and_is_forgotten_after_an_hour(database: Database) -> None:
    account = Counted.account("Anna", "192.0.2.1")
    assert account == Counted.account("anna", "192.0.2.1")
    waits = []
    for _ in range(20):
        with database.write() as session:
            try:
                attempts.count(session, [account])
            except TooMany as error:
                waits.append(error.wait_s)
                row = session.get(AttemptRow, account.key)
                assert row is not None
                row.until = None
                session.add(row)
    assert waits[:4] == [3, 5, 9, 17] or waits[:4] == [2, 4, 8, 16]
    assert max(waits) <= 901
    with database.write() as session:
        row = session.get(AttemptRow, account.key)
        assert row is not None
        row.last_at, row.until = now() - dt.timedelta(hours=2), None
        session.add(row)
    with database.write() as session:
        attempts.count(session, [account])
        fresh = session.get(AttemptRow, account.key)
    assert fresh is not None
    assert fresh.failures == 1


def test_who_guesses_at_a_name_from_one_place_keeps_nobody_out_who_is_named_so(database: Database) -> None:
    def tries(address: str) -> bool:
        counted = (Counted.account("anna", address), Counted.everywhere("anna"), Counted.address(address))
        with database.write() as session:
            try:
                attempts.count(session, counted)
            except TooMany:
                return False
        return True

    assert [tries("192.0.2.66") for _ in range(40)].count(True) <= 7
    assert tries("198.51.100.1")
    # Nor do many guess for ever: the address is another one each time.
    looked_at = sum(tries(f"203.0.113.{number}") for number in range(100))
    assert 40 <= looked_at <= 55
    with database.write() as session:
        attempts.forgive(session, accounts=(Counted.account("anna", "198.51.100.1"), Counted.everywhere("anna")))
    assert tries("198.51.100.1")


def test_who_may_sign_in_himself_gains_no_attempts_at_others_by_it(database: Database) -> None:
    address = Counted.address("192.0.2.1")
    for _ in range(20):
        with database.write() as session:
            attempts.count(session, [address])
    with database.write() as session:
        attempts.count(session, [address])
        attempts.forgive(session, accounts=[Counted.account("mallory", "192.0.2.1")], address=address)
        row = session.get(AttemptRow, address.key)
    assert row is not None
    assert row.failures == 20


def test_a_session_is_over_after_its_time_and_after_nothing_was_asked(database: Database) -> None:
    with database.write() as session:
        user = made(session)
        cookie = sessions.begin(session, caller(user), "password", LASTING, BY)
    found = sessions.caller_of(database, cookie, LASTING)
    assert found is not None
    assert (found.name, found.user_id) == ("anna", user.id)
    assert sessions.caller_of(database, cookie + "x", LASTING) is None
    for change in ({"seen_at": now() - dt.timedelta(hours=2)}, {"ends_at": now()}):
        with database.write() as session:
            row = session.exec(select(SessionRow)).one()
            before = {name: getattr(row, name) for name in change}
            for name, value in change.items():
                setattr(row, name, value)
        assert sessions.caller_of(database, cookie, LASTING) is None, change
        with database.write() as session:
            row = session.exec(select(SessionRow)).one()
            for name, value in before.items():
                setattr(row, name, value)
        assert sessions.caller_of(database, cookie, LASTING) is not None


def test_what_is_over_is_swept_when_somebody_signs_in(database: Database) -> None:
    with database.write() as session:
        user = made(session)
        for _ in range(3):
            sessions.begin(session, caller(user), "password", Lasting(dt.timedelta(0), dt.timedelta(1)), BY)
        session.flush()
        sessions.begin(session, caller(user), "password", LASTING, BY)
    with database.read() as session:
        assert len(session.exec(select(SessionRow)).all()) == 1


def test_a_link_is_over_after_a_day_and_for_whoever_is_disabled(database: Database) -> None:
    with database.write() as session:
        made(session)
        secret = accounts.invite(session, "anna", BY).secret
    with database.read() as session:
        assert accounts.invited(session, secret).login == "anna"
        with pytest.raises(LinkOver):
            accounts.invited(session, secret[:-1])
    with database.write() as session:
        row = session.exec(select(InvitationRow)).one()
        assert secret not in (row.digest, row.user_id)
        row.ends_at = now()
        session.add(row)
    with database.read() as session, pytest.raises(LinkOver):
        accounts.invited(session, secret)


def test_nobody_signs_in_by_a_password_where_the_provider_alone_counts(database: Database) -> None:
    settings = Settings(
        oidc_issuer="https://login.example", oidc_client_id="x", oidc_roles={"*": Group()}, oidc_only=True
    )

    async def tried() -> None:
        await SignIn(settings, database).by_password("anna", GOOD, BY)

    with pytest.raises(Exception, match="Nobody signs in by a password here"):
        asyncio.run(tried())


def test_somebody_of_the_provider_has_no_password_and_gets_no_link(database: Database) -> None:
    with database.write() as session:
        make_user(session, NewUser(login="lena", role=Role.DEVELOPER, issuer="https://login.example", subject="7"), BY)
    with database.write() as session, pytest.raises(BadInput, match="has no password here"):
        accounts.invite(session, "lena", BY)

    async def tried() -> None:
        await SignIn(Settings(), database).by_password("lena", GOOD, BY)

    with pytest.raises(SignInRefused):
        asyncio.run(tried())
    with database.read() as session:
        assert session.exec(select(SessionRow).where(col(SessionRow.user_id).is_not(None))).first() is None


@given(st.text(max_size=80))
def test_wherever_a_link_says_to_go_it_is_a_page_of_the_console(wanted: str) -> None:
    for text in (wanted, f"/-/{wanted}", f"//{wanted}", f"/\\{wanted}"):
        path = own_path(text)
        assert path.startswith("/-/")
        assert "\\" not in path
        assert not path.startswith("/-//")
        assert path.isprintable()


@given(st.text(max_size=300) | st.from_regex(r"[\w-]{0,20}\.[\w-]{0,80}\.[\w-]{0,20}", fullmatch=True))
def test_what_claims_to_be_an_identity_token_is_read_or_refused_in_words(text: str) -> None:
    try:
        assert isinstance(claimed_issuer(text), str)
    except BadInput as error:
        assert "identity token" in error.sentence


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=5)),
        max_size=6,
    )
)
def test_claims_of_any_form_fit_or_do_not_and_name_a_job_that_can_be_kept(claims: dict[str, Any]) -> None:
    assert not fits({"repository": "acme/*"}, {**claims, "repository": ["acme/x"]})
    assert not fits({"repository": "acme/*"}, {name: value for name, value in claims.items() if name != "repository"})
    assert job_name({**claims, "iss": "https://ci.example"}).isprintable()
    assert len(job_name({**claims, "iss": "https://ci.example", "repository": "x" * 500, "run_id": 1})) <= 200


def test_state_nonce_verifier_and_form_are_each_their_own() -> None:
    attempt = Attempt.new()
    all_of_it = {attempt.secret, attempt.state, attempt.nonce, attempt.verifier, attempt.form}
    assert len(all_of_it) == 5
    # RFC 7636 4.1: 43 to 128 letters.
    assert len(attempt.verifier) == 43


@pytest.mark.parametrize(
    ("groups", "role", "teams"),
    [
        ({"staff"}, "developer", ()),
        ({"staff", "leads"}, "reviewer", ("search",)),
        ({"ops", "leads"}, "admin", ("search",)),
        ({"search"}, "developer", ("search",)),
    ],
)
def test_the_greatest_role_of_all_groups_counts(groups: set[str], role: str, teams: tuple[str, ...]) -> None:
    mapping = {
        "staff": Group(role="developer"),
        "leads": Group(role="reviewer", team="search"),
        "search": Group(team="search"),
        "ops": Group(role="admin"),
    }
    who = Identity("https://login.example", "7", "lena", "", "", frozenset(groups))
    assert standing(who, mapping, ROLES) == (role, teams)
    with pytest.raises(NoGroup):
        standing(Identity("https://login.example", "7", "lena", "", "", frozenset({"sales"})), mapping, ROLES)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"oidc_issuer": "http://login.example"}, "http is for this machine alone"),
        ({"oidc_issuer": "https://login.example"}, "CURATOR_OIDC_CLIENT_ID is not"),
        ({"oidc_issuer": "https://login.example", "oidc_client_id": "x"}, "CURATOR_OIDC_ROLES"),
        ({"oidc_only": True}, "leaves no way to sign in"),
        ({"oidc_roles": {"x": {"role": "robot"}}}, "CURATOR_OIDC_ROLES"),
        (
            {"pipelines": [{"issuer": "https://ci.example", "audience": "x", "claims": {"repository": "*"}}]},
            "every job",
        ),
        ({"pipelines": [{"issuer": "https://ci.example", "audience": "x", "claims": {}}]}, "CURATOR_PIPELINES"),
        (
            {"pipelines": [{"issuer": "https://ci.example", "audience": "x", "claims": {"a": "b"}, "minute": 5}]},
            "minute",
        ),
    ],
)
def test_settings_that_would_let_in_whom_nobody_meant_are_refused(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        Settings.load(**given_)


def test_settings_of_sign_in_reach_the_other_processes_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(
        oidc_issuer="https://login.example/",
        oidc_client_id="curator",
        oidc_client_secret="s",
        oidc_roles={"leads": {"role": "reviewer", "team": "search"}},
        pipelines=[{"issuer": "https://ci.example", "audience": "x", "claims": {"a": "b/*"}}],
    )
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    again = Settings.load()
    assert again.oidc_roles == settings.oidc_roles
    assert again.pipelines == settings.pipelines
    assert again.oidc_issuer == "https://login.example/"


@pytest.mark.parametrize(
    ("url", "name", "path"),
    [
        ("http://127.0.0.1:8080", "curator_session", "/"),
        ("https://models.bank.example", "__Host-curator_session", "/"),
        ("https://bank.example/hf", "__Secure-curator_session", "/hf/"),
    ],
)
def test_a_cookie_is_for_as_little_as_the_address_allows(url: str, name: str, path: str) -> None:
    cookies = Cookies.of(Settings(public_url=url))
    assert (cookies.session, cookies.path, cookies.secure) == (name, path, url.startswith("https"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("curl/8.5.0", "curl"),
        ("", "A program"),
    ],
)
def test_a_browser_is_called_what_people_call_it(said: str, told: str) -> None:
    assert browser_of(said) == told

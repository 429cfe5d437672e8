"""Who may ask what: every route of the mirror, with every role, and with tokens that are worth nothing any more.

A route that is new is found by itself, and fails here until a line of the table says who may call it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter

from curator.database.engine import Database, now
from curator.people import tokens, users
from curator.people.by import By
from curator.people.roles import MAY, Permission, Role
from curator.people.tables import TokenRow
from curator.people.tokens import NewToken
from curator.people.users import NewUser
from curator.policy.watch import begin
from curator.settings import Settings
from curator.types import UpstreamMode
from curator.web.guard import OPEN, Puller, all_guarded, permissions_of
from tests.unit.in_process import Application, Reply, application

OPEN_TO_ALL = "open"
TABLE = """
GET    /                                                open
GET    /healthz                                         open
GET    /readyz                                          open
GET    /-/static/{digest}/{name}                        open

GET    /-/sign-in                                       open
POST   /-/sign-in                                       open
GET    /-/sign-in/oidc                                  open
GET    /-/sign-in/answer                                open
GET    /-/sign-in/first                                 administer
POST   /-/sign-in/first                                 administer
GET    /-/choose-password/{secret}                      open
POST   /-/choose-password/{secret}                      open
GET    /-/link-account/{secret}                         open
POST   /-/link-account/{secret}                         open
POST   /-/sign-out                                      see-catalog
GET    /-/signed-out                                    open
GET    /-/account/sign-in                               own-account
POST   /-/account/sign-in/password                      own-account
POST   /-/account/sign-in/end                           own-account
POST   /api/curator/v1/sign-in/pipeline                 open
POST   /api/curator/v1/sign-in/logout                   open
POST   /api/curator/v1/users/{login}/invitation         administer
POST   /api/curator/v1/users/{login}/identity-link      administer
DELETE /api/curator/v1/users/{login}/identity           administer
PUT    /api/curator/v1/users/{login}/same/{other}       administer
DELETE /api/curator/v1/users/{login}/same               administer
GET    /api/curator/v1/sessions                         own-account
DELETE /api/curator/v1/sessions/{session_id}            own-account
POST   /api/curator/v1/account/password                 own-account

GET    /-/                                              see-catalog
GET    /-/decisions/{decision_id}                       pull
GET    /api/curator/v1/openapi.json                     pull
GET    /api/curator/v1/decisions/{decision_id}          pull
GET    /api/curator/v1/explain                          pull
GET    /api/curator/v1/facts                            pull
POST   /api/curator/v1/check                            pull

GET    /api/curator/v1/waivers                          pull
GET    /api/curator/v1/waivers/{waiver_id}              pull
POST   /api/curator/v1/waivers                          decide
DELETE /api/curator/v1/waivers/{waiver_id}              decide
GET    /api/curator/v1/lists                            pull
GET    /api/curator/v1/lists/{entry_id}                 pull
POST   /api/curator/v1/lists                            decide
DELETE /api/curator/v1/lists/{entry_id}                 decide
GET    /api/curator/v1/asked                            see-all
GET    /api/curator/v1/collections                      pull

GET    /api/curator/v1/rules                            pull
GET    /api/curator/v1/rules/history                    pull
GET    /api/curator/v1/rules/diff                       pull
GET    /api/curator/v1/rules/sets/{digest}              pull
POST   /api/curator/v1/rules                            write-rules
POST   /api/curator/v1/rules/rollback                   write-rules
POST   /api/curator/v1/rules/replay                     try-rules

POST   /-/theme                                         open
GET    /favicon.ico                                     open
GET    /robots.txt                                      open
GET    /-/live                                          own-account
GET    /-/live/events                                   own-account
GET    /api/curator/v1/live                             own-account
GET    /-/settings                                      see-settings
GET    /api/curator/v1/settings                         see-settings
GET    /api/curator/v1/state                            see-settings

GET    /api/curator/v1/requests                         ask
POST   /api/curator/v1/requests                         ask
GET    /api/curator/v1/requests/{request_id}            ask
DELETE /api/curator/v1/requests/{request_id}            ask
POST   /api/curator/v1/requests/{request_id}/replies    ask
GET    /api/curator/v1/review                           see-all
GET    /api/curator/v1/review/{item_id}                 see-all
GET    /api/curator/v1/review/groups                    see-all
GET    /api/curator/v1/review/proposals                 see-all
POST   /api/curator/v1/review/proposals/{proposal_id}   decide
POST   /api/curator/v1/review/answers                   decide

GET    /-/people                                        see-settings
POST   /-/people/users                                  administer
GET    /-/people/users/{login}                          see-settings
POST   /-/people/users/{login}                          administer
POST   /-/people/users/{login}/disable                  administer
POST   /-/people/users/{login}/enable                   administer
POST   /-/people/users/{login}/invite                   administer
POST   /-/people/users/{login}/link                     administer
POST   /-/people/users/{login}/unlink                   administer
POST   /-/people/users/{login}/same                     administer
POST   /-/people/users/{login}/sessions/end             administer
GET    /-/people/teams                                  see-settings
POST   /-/people/teams                                  administer
GET    /-/people/teams/{name}                           see-settings
POST   /-/people/teams/{name}/members                   administer
POST   /-/people/teams/{name}/projects                  administer
POST   /-/people/teams/{name}/end                       administer
GET    /-/people/projects                               see-settings
GET    /-/people/tokens                                 see-settings
POST   /-/people/tokens                                 administer
POST   /-/people/tokens/{token_id}/revoke               administer
POST   /-/people/tokens/{token_id}/rotate               administer
GET    /-/notices                                       own-account
POST   /-/notices/read                                  own-account
GET    /-/notices/choices                               own-account
POST   /-/notices/choices                               own-account
POST   /-/notices/test                                  own-account
GET    /-/notices/webhooks                              notify
POST   /-/notices/webhooks                              notify
GET    /-/notices/webhooks/{webhook_id}                 notify
POST   /-/notices/webhooks/{webhook_id}/{verb}          notify
GET    /api/curator/v1/notices                          own-account
POST   /api/curator/v1/notices/read                     own-account
GET    /api/curator/v1/notices/choices                  own-account
PUT    /api/curator/v1/notices/choices                  own-account
POST   /api/curator/v1/notices/test                     own-account
GET    /api/curator/v1/webhooks                         notify
POST   /api/curator/v1/webhooks                         notify
GET    /api/curator/v1/webhooks/{webhook_id}            notify
PUT    /api/curator/v1/webhooks/{webhook_id}            notify
DELETE /api/curator/v1/webhooks/{webhook_id}            notify
POST   /api/curator/v1/webhooks/{webhook_id}/enable     notify
POST   /api/curator/v1/webhooks/{webhook_id}/secret     notify
POST   /api/curator/v1/webhooks/{webhook_id}/test       notify
POST   /api/curator/v1/webhooks/{webhook_id}/replay     notify
GET    /api/curator/v1/deliveries                       notify
POST   /api/curator/v1/deliveries/{delivery_id}/replay  notify
GET    /-/incidents                                     own-account
GET    /-/incidents/new                                 respond
POST   /-/incidents/new                                 respond
GET    /-/incidents/{incident_id}                       own-account
POST   /-/incidents/{incident_id}/lift                  respond
POST   /-/incidents/{incident_id}/teams                 ask
POST   /-/evidence                                      read-record
GET    /api/curator/v1/incidents                        own-account
POST   /api/curator/v1/incidents                        respond
GET    /api/curator/v1/incidents/preview                respond
POST   /api/curator/v1/incidents/affected               pull
GET    /api/curator/v1/incidents/{incident_id}          own-account
GET    /api/curator/v1/incidents/{incident_id}/users    own-account
GET    /api/curator/v1/incidents/{incident_id}/descendants see-all
GET    /api/curator/v1/incidents/{incident_id}/notices  see-all
POST   /api/curator/v1/incidents/{incident_id}/lift     respond
POST   /api/curator/v1/incidents/{incident_id}/teams    ask
GET    /api/curator/v1/evidence                         read-record
GET    /-/account                                       own-account
POST   /-/account                                       own-account
POST   /-/account/tokens                                own-account
POST   /-/account/tokens/{token_id}/revoke              own-account
POST   /-/account/tokens/{token_id}/rotate              own-account

GET    /api/curator/v1/users                            see-settings
POST   /api/curator/v1/users                            administer
GET    /api/curator/v1/users/{login}                    see-settings
PATCH  /api/curator/v1/users/{login}                    administer
POST   /api/curator/v1/users/{login}/disable            administer
POST   /api/curator/v1/users/{login}/enable             administer
GET    /api/curator/v1/teams                            see-settings
POST   /api/curator/v1/teams                            administer
GET    /api/curator/v1/teams/{team}                     see-settings
DELETE /api/curator/v1/teams/{team}                     administer
PUT    /api/curator/v1/teams/{team}/members/{login}     administer
DELETE /api/curator/v1/teams/{team}/members/{login}     administer
DELETE /api/curator/v1/teams/{team}/mailbox            notify
GET    /-/people/teams/{name}/mailbox                  notify
GET    /api/curator/v1/teams/{team}/mailbox            see-settings
POST   /-/people/teams/{name}/mailbox                  notify
POST   /api/curator/v1/teams/{team}/mailbox/test       notify
PUT    /api/curator/v1/teams/{team}/mailbox            notify
GET    /api/curator/v1/projects                         see-settings
POST   /api/curator/v1/projects                         administer
DELETE /api/curator/v1/projects/{team}/{project}        administer
GET    /api/curator/v1/tokens                           see-settings
POST   /api/curator/v1/tokens                           administer
GET    /api/curator/v1/tokens/{token_id}                see-settings
DELETE /api/curator/v1/tokens/{token_id}                administer
POST   /api/curator/v1/tokens/{token_id}/rotate         administer
GET    /api/curator/v1/account                          own-account
PATCH  /api/curator/v1/account                          own-account
GET    /api/curator/v1/account/tokens                   own-account
POST   /api/curator/v1/account/tokens                   own-account
DELETE /api/curator/v1/account/tokens/{token_id}        own-account
POST   /api/curator/v1/account/tokens/{token_id}/rotate own-account

GET    /api/curator/v1/record                           read-record
GET    /api/curator/v1/record/export                    read-record
GET    /api/curator/v1/record/holds                     read-record
POST   /api/curator/v1/record/holds                     keep-record
DELETE /api/curator/v1/record/holds/{hold_id}           keep-record
GET    /api/curator/v1/record/rows/{row_id}             read-record
GET    /api/curator/v1/record/seal                      read-record
POST   /api/curator/v1/record/seal                      read-record
GET    /api/curator/v1/record/state                     read-record
POST   /api/curator/v1/record/verify                    read-record

GET    /-/rules                                         pull
GET    /-/rules/changes/{change_id}                     pull
POST   /-/rules/check                                   try-rules
POST   /-/rules/discard                                 try-rules
GET    /-/rules/draft.yaml                              try-rules
GET    /-/rules/edit                                    try-rules
POST   /-/rules/edit                                    try-rules
GET    /-/rules/history                                 pull
GET    /-/rules/publish                                 try-rules
POST   /-/rules/publish                                 write-rules
GET    /-/rules/rollback/{digest}                       try-rules
POST   /-/rules/rollback/{digest}                       write-rules
GET    /-/rules/text                                    pull
GET    /-/rules/text/{digest}.yaml                      pull
GET    /-/rules/trials                                  try-rules
GET    /-/rules/trials/{trial_id}                       try-rules
POST   /-/rules/trials/{trial_id}/cancel                try-rules
POST   /api/curator/v1/rules/check                      try-rules
POST   /api/curator/v1/rules/consequences               try-rules
DELETE /api/curator/v1/rules/draft                      try-rules
GET    /api/curator/v1/rules/draft                      try-rules
PUT    /api/curator/v1/rules/draft                      try-rules
POST   /api/curator/v1/rules/dry-run                    try-rules
GET    /api/curator/v1/rules/in-force                   pull
POST   /api/curator/v1/rules/test                       try-rules
GET    /api/curator/v1/rules/trials                     try-rules
POST   /api/curator/v1/rules/trials                     try-rules
DELETE /api/curator/v1/rules/trials/{trial_id}          try-rules
GET    /api/curator/v1/rules/trials/{trial_id}          try-rules

GET    /-/activity                                      read-record
GET    /-/activity/export                               read-record
GET    /-/activity/holds                                read-record
POST   /-/activity/holds                                keep-record
POST   /-/activity/holds/{hold_id}/end                  keep-record
POST   /-/activity/verify                               read-record

GET    /-/api                                           pull
GET    /-/api/openapi.json                              pull

GET    /-/catalog                                       see-catalog
GET    /api/curator/v1/catalog                          see-catalog
GET    /api/curator/v1/catalog/facets                   see-catalog

GET    /-/datasets/{repo:path}                          pull

GET    /-/models/{repo:path}                            pull

GET    /-/requests                                      ask
GET    /-/requests/new                                  ask
POST   /-/requests/new                                  ask
GET    /-/requests/{request_id}                         ask
POST   /-/requests/{request_id}                         ask

GET    /-/review                                        see-all
GET    /-/review/groups                                 see-all
POST   /-/review/proposals/{proposal_id}                decide
GET    /-/review/several                                decide
POST   /-/review/several                                decide
GET    /-/review/{item_id}                              see-all
POST   /-/review/{item_id}                              decide

GET    /-/spaces/{repo:path}                            pull

GET    /api/curator/v1/changes                          see-catalog

GET    /api/curator/v1/repositories/{kind}/{repo:path}/commits see-catalog
GET    /api/curator/v1/repositories/{kind}/{repo:path}/commits/{sha} see-catalog

GET    /api/curator/v1/traffic                          see-all

GET    /api/curator/v1/uses                             see-all

POST   /-/judge                                         pull
"""
HUB_ROUTES = (
    "GET /acme/tiny/resolve/main/config.json",
    "HEAD /acme/tiny/resolve/main/config.json",
    "GET /datasets/acme/tiny/resolve/main/data.csv",
    "GET /api/models/acme/tiny",
    "GET /api/models/acme/tiny/revision/main",
    "GET /api/models/acme/tiny/tree/main",
    "POST /api/models/acme/tiny/paths-info/main",
    "GET /api/models/acme/tiny/refs",
    "GET /api/models/acme/tiny/commits/main",
    "GET /api/models/acme/tiny/auth-check",
    "GET /api/models/acme/tiny/xet-read-token/main",
    "GET /acme/tiny/raw/main/README.md",
    "GET /api/models?search=tiny",
    "GET /api/models-tags-by-type",
    "GET /v2/",
    "GET /v2/acme/tiny/manifests/latest",
    "GET /api/whoami-v2",
)
"""One of each kind that the mirror serves; those that are closed to all are in test_closed_doors."""
BY = By("a test")
NOT_ALLOWED = "may not do this here"
UNKNOWN = ("This mirror wants a token of its own", "This token ", "cat was disabled")
"""Whoever shows a wrong password is told 401, too."""
WHY = ("This token ended on", "This token was revoked on", "cat was disabled here on", "This token is not valid here")
SOMETHING = "0" * 32


def expected() -> dict[tuple[str, str], str]:
    lines = [line.split() for line in TABLE.splitlines() if line]
    return {(method, path): permission for method, path, permission in lines}


@pytest.fixture(scope="module")
def database(databases: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('authorisation')}/curator.db")
    database.migrate()
    begin(Settings(), database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def closed(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """A mirror that wants a token of everybody, and never asks the Hub for anything."""
    with application(settings(database, tmp_path_factory.mktemp("closed"), "no")) as running:
        yield running


@pytest.fixture(scope="module")
def opened(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The same where one may pull without a token."""
    with application(settings(database, tmp_path_factory.mktemp("opened"), "auto")) as running:
        yield running


def settings(database: Database, data: Path, anonymous: str) -> Settings:
    return Settings(
        data=data,
        database_url=database.url,
        anonymous=anonymous,
        upstream_mode=UpstreamMode.OFFLINE,
        second_opinions=False,
    )


@pytest.fixture(scope="module")
def known(database: Database) -> dict[Role, str]:
    """A valid token of each role: of a person, and of nobody where no person has the role."""
    found: dict[Role, str] = {}
    with database.write() as session:
        for role in Role:
            if role is Role.ANONYMOUS:
                continue
            login = role.value if role in users.ROLES else None
            if login is not None:
                users.make_user(session, NewUser(login=login, role=role), BY)
            found[role] = tokens.make_token(session, NewToken(name=f"of-{role}", role=role, owner=login), BY)[1]
    return found


@pytest.fixture(scope="module")
def ended(database: Database) -> dict[str, str]:
    """Tokens of administrators that are worth nothing any more, by why."""
    wanted = [NewToken(name="laptop", role=Role.ADMIN, owner=login) for login in ("ann", "bob", "cat")]
    with database.write() as session:
        for one in wanted:
            users.make_user(session, NewUser(login=one.owner or "", role=Role.ADMIN), BY)
        (old, _), (revoked, _), _ = made = [tokens.make_token(session, one, BY) for one in wanted]
        row = session.get_one(TokenRow, old.id)
        row.expires_at = now() - dt.timedelta(seconds=1)
        session.add(row)
        tokens.revoke(session, revoked.id, BY)
        users.disable_user(session, "cat", BY)
    return dict(zip(WHY, [*(secret for _, secret in made), "hf_cur" + "x" * 34], strict=True))


def filled(path: str) -> str:
    """An address of this route: with a path where it wants one, and else with something that is nowhere."""
    return re.sub(r"\{[^}:]+(:path)?\}", lambda match: "acme/tiny" if match[1] else SOMETHING, path)


def called(app: Application, method: str, path: str, token: str | None) -> Reply:
    if method in {"GET", "DELETE"}:
        return app.ask(method, filled(path), token)
    if path.startswith("/-/"):
        return app.ask(method, filled(path), token, b"", "application/x-www-form-urlencoded")
    return app.ask(method, filled(path), token, b"{}", "application/json")


def refused(reply: Reply) -> str:
    """`unknown`, `forbidden`, or nothing for whoever got further than to the door."""
    if reply.status == 401 and reply.sentence.startswith(UNKNOWN):
        return "unknown"
    return "forbidden" if reply.status == 403 and NOT_ALLOWED in reply.sentence else ""


def test_every_route_wants_what_the_table_says(closed: Application) -> None:
    found = {}
    for route in closed.routes():
        permissions = permissions_of(route)
        assert permissions is not None
        for method in route.methods or ():
            found[method, route.path] = "+".join(sorted(permissions)) or OPEN_TO_ALL
    differ = {f"{method:<6} {path:<47} {what}" for (method, path), what in found.items() ^ expected().items()}
    assert differ == set(), "\n".join(["lines that the table has not, or has too many:", *sorted(differ)])


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ANONYMOUS], ids=str)
def test_each_role_gets_as_far_as_it_may_and_no_further(
    closed: Application, known: dict[Role, str], role: Role
) -> None:
    wrong = []
    for (method, path), wanted in expected().items():
        may = wanted == OPEN_TO_ALL or Permission(wanted) in MAY[role]
        was = refused(called(closed, method, path, known[role]))
        if was != ("" if may else "forbidden"):
            wrong.append(f"{role} at {method} {path}: {was or 'let in'}")
    assert wrong == []


def test_who_shows_no_token_gets_no_further_than_where_all_may(closed: Application) -> None:
    wrong = [
        f"{method} {path}"
        for (method, path), wanted in expected().items()
        if refused(called(closed, method, path, None)) != ("" if wanted == OPEN_TO_ALL else "unknown")
    ]
    assert wrong == []


def test_where_one_may_pull_without_a_token_one_may_do_nothing_else(opened: Application) -> None:
    wrong = []
    for (method, path), wanted in expected().items():
        may = wanted == OPEN_TO_ALL or Permission(wanted) in MAY[Role.ANONYMOUS]
        was = refused(called(opened, method, path, None))
        if was != ("" if may else "forbidden"):
            wrong.append(f"{method} {path}: {was or 'let in'}")
    assert wrong == []


@pytest.mark.parametrize(
    "why",
    ["This token ended on", "This token was revoked on", "cat was disabled here on", "This token is not valid here"],
)
@pytest.mark.parametrize("where", ["closed", "opened"])
def test_a_token_that_is_worth_nothing_opens_nothing_and_says_why_it_is(
    request: pytest.FixtureRequest, ended: dict[str, str], why: str, where: str
) -> None:
    app: Application = request.getfixturevalue(where)
    wrong = []
    for (method, path), wanted in expected().items():
        reply = called(app, method, path, ended[why])
        if wanted != OPEN_TO_ALL and (reply.status != 401 or not reply.sentence.startswith(why)):
            wrong.append(f"{method} {path}: {reply.status} {reply.sentence}")
    for line in HUB_ROUTES:
        method, path = line.split(" ")
        reply = app.ask(method, path, ended[why])
        if reply.status != 401 or (method != "HEAD" and why not in reply.sentence):
            wrong.append(f"{line}: {reply.status} {reply.sentence}")
    assert wrong == []


def test_the_hubs_addresses_are_for_whom_the_mirror_knows(closed: Application, known: dict[Role, str]) -> None:
    wrong = []
    for line in HUB_ROUTES:
        method, path = line.split(" ")
        if closed.ask(method, path).status != 401:
            wrong.append(f"{line}: let in without a token")
        wrong += [f"{line}: {role}" for role, token in known.items() if closed.ask(method, path, token).status == 401]
    assert wrong == []


def test_a_route_that_says_nothing_of_who_may_call_it_keeps_the_server_from_starting() -> None:
    router = APIRouter()

    @router.get("/guarded")
    async def guarded(caller: Puller) -> None: ...

    @router.get("/open", dependencies=[OPEN])
    async def for_all() -> None: ...

    all_guarded(router.routes)

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(RuntimeError, match="/forgotten does not say who may call it"):
        all_guarded(router.routes)

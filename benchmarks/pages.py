"""How long the pages of the console take on a database as years of use by a bank leave it.

    python -m benchmarks.pages [--url sqlite:////tmp/big/curator.db] [--repositories 100000] [--rows 10000000]

Made by `benchmarks.big_database` where there is none. The whole application runs in this process and is asked as its
server asks it: "mirror" is a page from its first byte in to its last byte out, the median and the 95th percentile of
several, "cpu" what it took of processors in this process, and "db" in those of a PostgreSQL on this machine (the mean
of all); "asked" is how many statements the database was sent. "bare" is fifty rows of the main table by their key, in
the same run. "KB" is the page with its style and its script, as they are before they are packed. Where a page has
further ones, `next` follows its own link.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import Session, col, select

from benchmarks import measure
from benchmarks.big_database import REPOSITORIES, ROWS, build
from benchmarks.big_people import ADMIN, DEVELOPER
from benchmarks.results import Results, Target
from curator.app import Mirror
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.people.by import By
from curator.people.roles import Role
from curator.people.tokens import NewToken, make_token
from curator.review.tables import RequestRow, WaitingRow
from curator.settings import Settings

_TIMES = 20
_PAUSE_S = 0.5
_MOST_MS, _MOST_KB = 150.0, 100.0
_NEXT = re.compile(r'href="([^"]*[?&](?:amp;)?after=[^"]*)"')
_ASSET = re.compile(r'(?:href|src)="([^"]*/-/static/[^"]+)"')


@dataclass(frozen=True)
class Case:
    """A page."""

    name: str
    path: str
    table: str
    """What it shows."""
    developer: bool = False
    """Who opens it, if not an administrator."""
    anew: bool = False
    """Whether each time something else is searched for: `{n}` in the path."""


def main() -> None:
    parser = measure.parser(__doc__, rounds=1)
    parser.add_argument("--url", help="Where the database is, or is to be made (default: a folder of its own).")
    parser.add_argument("--repositories", type=int, default=REPOSITORIES)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--only", default="", help="Only the pages whose name has this in it.")
    options = parser.parse_args()
    results = Results("pages of the console", options, "bare")
    with tempfile.TemporaryDirectory(prefix="curator-benchmark-", dir=options.folder) as folder:
        url = options.url or f"sqlite:///{folder}/curator.db"
        database = Database(url)
        if not sa.inspect(database.engine).has_table("audit"):
            build(url, options.repositories, options.rows)
        database.migrate()
        tokens = _tokens(database)
        cases = [case for case in _cases(database) if options.only in case.name]
        settings = Settings(
            data=Path(folder), database_url=url, upstream="http://127.0.0.1:9", broker_url=SecretStr("memory://")
        )
        for _ in range(options.rounds):
            asyncio.run(_measure(settings, database, cases, tokens, results))
        results.notes.append(_told(database))
        database.close()
    names = list(results.figures)
    results.targets = [Target(name, "mirror", "ms", at_most=_MOST_MS) for name in names]
    results.targets += [Target(name, "mirror", "KB", at_most=_MOST_KB) for name in names]
    results.report()


def _told(database: Database) -> str:
    with database.read() as session:
        rows = session.connection().execute(sa.text("SELECT seq FROM audit_head")).scalar_one()
        known = session.connection().execute(sa.text("SELECT count(*) FROM catalogue")).scalar_one()
    return f"{database.engine.dialect.name}: {known} repositories, {rows} rows of the record"


def _tokens(database: Database) -> dict[bool, str]:
    """Of the administrator, and of the developer (True)."""
    name = f"benchmark {now():%H:%M:%S.%f}"
    made = {}
    with database.write() as session:
        for developer, owner, role in ((False, ADMIN, Role.ADMIN), (True, DEVELOPER, Role.DEVELOPER)):
            made[developer] = make_token(session, NewToken(name=name, owner=owner, role=role), By("curator"))[1]
    return made


def _cases(database: Database) -> list[Case]:
    with database.read() as session:
        row = _middle(session)
        item = session.exec(select(WaitingRow).where(col(WaitingRow.waits)).limit(1)).one()
        request = session.exec(select(RequestRow).order_by(col(RequestRow.id).desc()).limit(1)).one()
    past = f"since={row.at:%Y-%m-%d}&until={row.at:%Y-%m-%d}"
    model = f"/-/models/{item.repo}"
    catalog, activity, review, people = "/-/catalog", "/-/activity", "/-/review", "/-/people"
    return [
        Case("home", "/-/", "audit_top"),
        Case("home, a day", "/-/?window=day", "audit_top"),
        Case("home, developer", "/-/", "audit_uses", developer=True),
        Case("catalog", catalog, "catalogue"),
        Case("catalog, developer", catalog, "catalogue", developer=True),
        Case("catalog, search", f"{catalog}?q=model-1", "catalogue"),
        Case("catalog, search anew", f"{catalog}?q=model-{{n}}", "catalogue", anew=True),
        Case("catalog, search one", f"{catalog}?q=org7/model-7207", "catalogue"),
        Case("catalog, search none", f"{catalog}?q=nothing-like-it", "catalogue"),
        Case("catalog, none anew", f"{catalog}?q=nothing-{{n}}-like-it", "catalogue", anew=True),
        Case("catalog, none anew, developer", f"{catalog}?q=nought-{{n}}", "catalogue", developer=True, anew=True),
        Case("catalog, task", f"{catalog}?task=text-generation", "catalogue"),
        Case("catalog, licence", f"{catalog}?licence=permissive", "catalogue"),
        Case("catalog, size", f"{catalog}?size=medium", "catalogue"),
        Case("catalog, format", f"{catalog}?format=safetensors", "catalogue"),
        Case("catalog, publisher", f"{catalog}?publisher=org7", "catalogue"),
        Case("catalog, team", f"{catalog}?team=team7", "catalogue"),
        Case("catalog, blocked", f"{catalog}?verdict=block", "catalogue"),
        Case("catalog, to be judged", f"{catalog}?verdict=again", "catalogue"),
        Case("catalog, by newest", f"{catalog}?sort=newest", "catalogue"),
        Case("catalog, by use", f"{catalog}?sort=used", "catalogue"),
        Case("model", model, "decisions"),
        Case("model, developer", model, "decisions", developer=True),
        *(Case(f"model, {tab}", f"{model}?tab={tab}", "decisions") for tab in ("files", "origin", "card", "history")),
        Case("decision", f"/-/decisions/{item.decision}", "decisions"),
        Case("review", review, "review_items"),
        *(Case(f"review, by {sort}", f"{review}?sort={sort}", "review_items") for sort in ("age", "people", "risk")),
        Case("review, owner", f"{review}?owner=group-3", "review_items"),
        Case("review, team", f"{review}?team=team7", "review_items"),
        Case("review, repository", f"{review}?repo=model-7", "review_items"),
        Case("review, groups", f"{review}/groups", "review_items"),
        Case("review, one", f"{review}/{item.id}", "review_items"),
        Case("review, several", f"{review}/several?publisher={item.publisher}", "review_items"),
        Case("requests", "/-/requests", "requests", developer=True),
        Case("request", f"/-/requests/{request.id}", "requests"),
        Case("request, new", f"/-/requests/new?kind=model&repository={item.repo}", "requests", developer=True),
        Case("activity", activity, "audit"),
        *(Case(f"activity, {one}", f"{activity}?action={one}", "audit") for one in ("download", "refuse", "waive")),
        Case("activity, actor", f"{activity}?actor={row.actor}", "audit"),
        Case("activity, nobody", f"{activity}?actor=nobody-of-that-name", "audit"),
        Case("activity, team", f"{activity}?team={row.team}", "audit"),
        Case("activity, repository", f"{activity}?repo={row.repo}", "audit"),
        Case("activity, publisher", f"{activity}?repo={row.repo.split('/')[0]}/*", "audit"),
        Case("activity, a week", f"{activity}?since=7d", "audit"),
        Case("activity, a day long ago", f"{activity}?{past}", "audit"),
        Case("activity, before there was any", f"{activity}?until=2001-01-01", "audit"),
        Case("activity, refused that day", f"{activity}?{past}&action=refuse", "audit"),
        Case("activity, actor that day", f"{activity}?{past}&actor={row.actor}", "audit"),
        Case("activity, all but all", f"{activity}?{past}&actor={row.actor}&team={row.team}&action=refuse", "audit"),
        Case("activity, a request", f"{activity}?q={row.id}", "audit"),
        Case("holds", f"{activity}/holds", "audit_holds"),
        Case("people", people, "users"),
        Case("people, search", f"{people}?search=person-77", "users"),
        Case("people, none", f"{people}?search=nobody-of-that-name", "users"),
        Case("people, role", f"{people}?role=security", "users"),
        Case("person", f"{people}/users/{ADMIN}", "tokens"),
        Case("teams", f"{people}/teams", "teams"),
        Case("team", f"{people}/teams/team7", "memberships"),
        Case("projects", f"{people}/projects", "projects"),
        Case("tokens", f"{people}/tokens", "tokens"),
        Case("tokens, ended", f"{people}/tokens?state=ended", "tokens"),
        Case("tokens, search", f"{people}/tokens?search=person-77", "tokens"),
        Case("tokens, none", f"{people}/tokens?search=nobody-of-that-name", "tokens"),
        Case("account", "/-/account", "tokens"),
        Case("notices", "/-/notices", "notices"),
        Case("notices, choices", "/-/notices/choices", "notices"),
        Case("webhooks", "/-/notices/webhooks", "webhooks"),
        Case("rules", "/-/rules", "rule_sets"),
        Case("rules, text", "/-/rules/text", "rule_sets"),
        Case("rules, history", "/-/rules/history", "rule_sets"),
        Case("rules, trials", "/-/rules/trials", "rule_trials"),
        Case("rules, edit", "/-/rules/edit", "rule_sets"),
        Case("live", "/-/live", "work"),
        Case("settings", "/-/settings", "work"),
        Case("API", "/-/api", "work"),
    ]


def _middle(session: Session) -> AuditRow:
    """A row of half a year ago."""
    middle = session.connection().execute(sa.text("SELECT seq / 2 FROM audit_head")).scalar_one()
    return session.exec(select(AuditRow).where(AuditRow.seq == middle)).one()


async def _measure(
    settings: Settings, database: Database, cases: list[Case], tokens: dict[bool, str], results: Results
) -> None:
    asked = _Asked()
    async with _running(Mirror(settings, watches=False)) as mirror:
        weights: dict[str, int] = {}
        for case in cases:
            paths = [case]
            for one in paths:
                had, sent = _database_ms(database), asked.count
                taken, cpu, size, following = await _several(mirror, one, tokens[one.developer], weights)
                told = {"asked": (asked.count - sent) / _TIMES, "db": (_database_ms(database) - had) / _TIMES}
                results.add(one.name, "bare", ms=_bare(database, one.table))
                worst = sorted(taken)[int(len(taken) * 0.95)]
                results.add(one.name, "mirror", ms=statistics.median(taken), p95=worst, cpu=cpu, **told, KB=size / 1e3)
                if following and one is case:
                    paths.append(Case(f"{case.name}, next", following, case.table, case.developer))


class _Asked:
    """Counts the statements that any database is sent."""

    def __init__(self) -> None:
        self.count = 0
        sa.event.listen(sa.Engine, "before_cursor_execute", self._one)

    def _one(self, *_: Any) -> None:
        self.count += 1


def _database_ms(database: Database) -> float:
    """Milliseconds of processors that PostgreSQL's processes for this database have had, if they run here
    (/proc/PID/schedstat; those that have ended are not in it, nor those that help with one statement)."""
    if database.engine.dialect.name != "postgresql":
        return 0.0
    with database.read() as session:
        wanted = sa.text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        pids = session.connection().execute(wanted).scalars().all()
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return total / 1e6


async def _several(
    mirror: Mirror, case: Case, token: str, weights: dict[str, int]
) -> tuple[list[float], float, int, str | None]:
    """Milliseconds of each, and of processors the median; bytes of it with all that it loads; and the page after it."""
    taken: list[float] = []
    spent: list[float] = []
    text = ""
    for number in range(_TIMES):
        if case.anew:
            # Nobody searches before he has seen what he has found: until then it is counted how many there are.
            await asyncio.sleep(_PAUSE_S)
        path = case.path.replace("{n}", str(number * 37 + 11)) if case.anew else case.path
        began, had = time.perf_counter(), time.process_time()
        status, body = await _get(mirror, path, token)
        taken.append((time.perf_counter() - began) * 1e3)
        spent.append((time.process_time() - had) * 1e3)
        text = body.decode()
        if status != 200:
            raise SystemExit(f"{path} is answered with {status}: {text[:500]}")
    size = len(text.encode())
    for named in dict.fromkeys(_ASSET.findall(text)):
        if named not in weights:
            weights[named] = len((await _get(mirror, named, token))[1])
        size += weights[named]
    following = None if case.anew else _NEXT.search(text)
    # The first is of a mirror that has not seen the page: what it keeps of templates and counts is made then.
    href = unescape(following[1]) if following else None
    if href is not None and href.startswith("?"):
        href = case.path.partition("?")[0] + href
    return taken[1:], statistics.median(spent[1:]), size, href


async def _get(mirror: Mirror, path: str, token: str) -> tuple[int, bytes]:
    raw, _, query = path.partition("?")
    headers = {"host": "mirror.test", "accept": "text/html", "authorization": f"Bearer {token}"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 1),
        "server": ("mirror.test", 80),
        "state": {},
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: Any) -> None:
        sent.append(event)

    await mirror(scope, receive, send)
    return sent[0]["status"], b"".join(event.get("body", b"") for event in sent[1:])


@asynccontextmanager
async def _running(mirror: Mirror) -> AsyncIterator[Mirror]:
    """Started and stopped as a server does it (ASGI's lifespan)."""
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.create_task(mirror({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, said.put))
    for begin in ("startup", "shutdown"):
        await told.put({"type": f"lifespan.{begin}"})
        answer = await said.get()
        if not answer["type"].endswith("complete"):
            raise SystemExit(f"the mirror does not {begin[:5]}: {answer}")
        if begin == "startup":
            try:
                yield mirror
            finally:
                await mirror.stopping()
    await life


def _bare(database: Database, table: str) -> float:
    """Milliseconds, the median of several, each with a session of its own, as a page has."""
    metadata = sa.MetaData()
    with database.engine.connect() as connection:
        of = sa.Table(table, metadata, autoload_with=connection)
    statement = sa.select(of).order_by(*of.primary_key).limit(50)
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        with database.read() as session:
            session.connection().execute(statement).all()
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


if __name__ == "__main__":
    main()

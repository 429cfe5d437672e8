"""The ASGI application, built from settings: the Hub's lane in front, the mirror's own addresses behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from curator.admission import descent
from curator.admission.catalogue.apart import keep_apart
from curator.admission.catalogue.asked import keep_counted
from curator.admission.catalogue.facets import FacetCounts
from curator.admission.choose import Chooser
from curator.admission.confirm import Confirmer
from curator.admission.expiring import Expiring
from curator.admission.gate import Gate
from curator.admission.inquiry import Inquirer
from curator.admission.judge import circumstances_of
from curator.admission.refresh import keep_fresh
from curator.admission.resolve import Resolver
from curator.admission.sessions import Sessions
from curator.admission.sharing import SharedSessions
from curator.api.routes import api_routes
from curator.audit.journal import Journal
from curator.audit.keeping import keep
from curator.audit.made import keep_up
from curator.audit.syslog import Forwarder, Target
from curator.audit.verifying import Verifying
from curator.console.counting import counting
from curator.console.problems import failed, shown
from curator.console.routes import console_routes
from curator.database.engine import Database
from curator.database.generation import Generation
from curator.errors import BadSettings, CuratorError
from curator.hub.admit import Admission
from curator.hub.derived import Derived
from curator.hub.doors import ClosedDoors
from curator.hub.files import Files
from curator.hub.hot import HotAnswers
from curator.hub.lane import HubLane
from curator.hub.listings import Listings
from curator.hub.myself import Myself
from curator.hub.oci import GgufRegistry
from curator.hub.prefix import below_prefix
from curator.hub.refs import History
from curator.hub.search import Catalogue
from curator.notify.watching import UpstreamWatch, Watching
from curator.people.identity import Identity
from curator.people.sign_in import SignIn
from curator.policy.hits import count_hits
from curator.policy.in_force import RulesInForce
from curator.policy.watch import RuleWatch
from curator.queue.celery import Sender, celery_app
from curator.queue.sweep import sweep
from curator.review.follower import follow_queue
from curator.review.targets import Targets
from curator.settings import Settings
from curator.store.blobs import BlobStore
from curator.store.fetched import Fetched
from curator.store.fill import Filler
from curator.store.sizes import Sizes
from curator.store.sweep import sweep_parts
from curator.types import UpstreamMode
from curator.upstream.connect import SERVER_PATIENCE_S, connect, seal_of
from curator.upstream.trust import trusted
from curator.web.bodies import with_short_bodies
from curator.web.errors import (
    SignInFirst,
    bad_query,
    database_away,
    error_response,
    not_kept,
    refused_by_the_framework,
    to_sign_in,
)
from curator.web.guard import all_guarded
from curator.web.headers import with_safe_headers
from curator.web.live import LiveView
from curator.web.openapi import Described
from curator.web.paging import linked
from curator.web.repeated import Again, again, done_once, sweep_keys
from curator.web.service import Service
from rules.circumstances import EVERYBODY
from scanners.jail import Jail, Limits

_THREADS = 16


class Mirror:
    """The application. Its parts belong to one event loop, and are made when that starts it."""

    def __init__(self, settings: Settings, *, watches: bool) -> None:
        """Of the processes of one server, one `watches` what is the same for all: where its rules come from, and what
        has run out."""
        if settings.broker_url is None:
            raise BadSettings("A server wants CURATOR_BROKER_URL: the address of the broker that its workers use")
        self._settings = settings
        self._watches = watches
        self._sender = Sender(celery_app(settings.broker_url.get_secret_value()))
        # An address with a slash too many is none: led elsewhere, the path of the host before it would be lost.
        self._own = FastAPI(
            title="Model Curator",
            lifespan=self._lifespan,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            root_path=settings.path_prefix,
            redirect_slashes=False,
        )
        self._answer(CuratorError, lambda error: error_response(cast("CuratorError", error)))
        self._own.add_exception_handler(SignInFirst, lambda _, error: to_sign_in(cast("SignInFirst", error)))
        self._answer(RequestValidationError, lambda error: bad_query(cast("RequestValidationError", error)))
        self._answer(HTTPException, lambda error: refused_by_the_framework(cast("HTTPException", error)))
        self._own.add_exception_handler(Again, lambda _, told: again(cast("Again", told)))
        for unkept in (DataError, UnicodeEncodeError):
            self._answer(unkept, lambda error: not_kept(cast("DataError", error)))
        self._answer(OperationalError, lambda error: database_away(cast("OperationalError", error)))
        self._own.add_exception_handler(Exception, lambda request, _: failed(request))
        self._lane: ASGIApp = self._own
        self._live: LiveView | None = None

    def _answer(self, kind: type[Exception], told: Callable[[Exception], JSONResponse]) -> None:
        """What is answered where this goes wrong; a browser is shown it as a page."""
        self._own.add_exception_handler(kind, lambda request, error: shown(request, told(error)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._own if scope["type"] == "lifespan" else self._lane)(scope, receive, send)

    async def stopping(self) -> None:
        """The server is about to end, and waits for what is being answered: end what would go on for ever."""
        if self._live is not None:
            await self._live.close()

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        settings = self._settings
        # Python's own few (six, on two processors) would all be waiting for a slow disk, database or name server.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        database = Database(settings.database)
        store = BlobStore(settings.store_folder, settings.store_reserve_bytes)
        store.prepare()
        fetched = Fetched(database)
        filler = Filler(store, fetched.add)
        upstream = connect(settings, database, patience_s=SERVER_PATIENCE_S)
        jail = Jail(
            Limits(memory_bytes=settings.scan_memory_bytes, wall_s=settings.scan_timeout_s),
            engines=settings.second_opinions,
        )
        resolver = Resolver(database, upstream, settings.upstream_mode, settings.revision_ttl_s)
        generation = Generation(database)
        rules = RulesInForce(database, generation, lambda session: circumstances_of(session, EVERYBODY))
        gate = Gate(database, self._sender, rules)
        shared = SharedSessions(database, settings.branch_session_s) if self._has_others(database) else None
        sessions = Sessions(settings.branch_session_s, generation, shared)
        chooser = Chooser(database, upstream, resolver, gate, rules, sessions)
        journal = Journal(database)
        admission = Admission(settings, database, journal, chooser, resolver)
        identity = Identity(database, anonymous_may_pull=settings.pulls_without_token, url=settings.url)
        sign_in = SignIn(settings, database, trusted(settings.upstream_ca))
        self._own.state.identity = identity
        self._own.state.sign_in = sign_in
        self._own.state.root = settings.path_prefix
        self._own.state.counting = counting(database)
        live = self._live = LiveView(database, store)
        verifying = Verifying(settings)
        facets = FacetCounts(database)
        service = Service(
            settings=settings,
            database=database,
            sender=self._sender,
            identity=identity,
            sign_in=sign_in,
            journal=journal,
            resolver=resolver,
            gate=gate,
            chooser=chooser,
            inquirer=Inquirer(settings, database, chooser),
            rules=rules,
            targets=Targets(resolver, upstream),
            upstream=upstream,
            store=store,
            sizes=Sizes(store, settings.store_reserve_bytes),
            live=live,
            verifying=verifying,
            facets=facets,
        )
        routers = (*console_routes(service), *api_routes(service))
        for router in routers:
            all_guarded(router.routes)
            self._own.include_router(router)
        self._own.state.api = Described(tuple(route for router in routers for route in router.routes), settings.url)
        files = Files(database, journal, admission, upstream, filler, Confirmer(database, jail))
        lane = HubLane(
            files=files,
            listings=Listings(database, admission, upstream),
            history=History(settings, database, admission, upstream),
            derived=Derived(files),
            catalogue=Catalogue(settings, database, upstream, rules),
            registry=GgufRegistry(database, admission, files),
            doors=ClosedDoors(journal, identity),
            myself=Myself(database),
            url=settings.url,
            identity=identity,
            hot=HotAnswers(generation, chooser),
            rules=rules,
            own=with_safe_headers(linked(with_short_bodies(done_once(self._own, database)), settings.url)),
        )
        self._lane = below_prefix(lane, settings.path_prefix)
        background = [
            asyncio.create_task(sweep(database, self._sender), name="sweep"),
            asyncio.create_task(generation.follow(), name="generation"),
            asyncio.create_task(sweep_parts(store), name="parts"),
            asyncio.create_task(sweep_keys(database), name="keys"),
            asyncio.create_task(identity.seen.follow(), name="last seen"),
            asyncio.create_task(fetched.follow(), name="what came from the upstream"),
        ]
        if self._watches:
            background.append(asyncio.create_task(count_hits(database), name="hits of rules"))
        if self._watches and settings.upstream_mode is not UpstreamMode.OFFLINE:
            fresh = keep_fresh(database, self._sender, settings.refresh_facts_s)
            background.append(asyncio.create_task(fresh, name="keep facts fresh"))
        if shared is not None:
            background.append(asyncio.create_task(shared.sweep(), name="sweep sessions"))
        if self._watches:
            background.append(asyncio.create_task(keep_counted(database), name="catalogue"))
            background.append(asyncio.create_task(keep_apart(database, rules), name="catalogue of teams"))
            background.append(asyncio.create_task(descent.fill(database), name="what was made from what"))
            expiring = Expiring(database, settings.rejudge_days)
            background.append(asyncio.create_task(expiring.follow(self._sender), name="what has run out"))
        upstream_watch = UpstreamWatch(database, upstream.is_down)
        background.append(asyncio.create_task(upstream_watch.follow(), name="upstream"))
        if self._watches:
            watching = Watching(settings, database)
            background.append(asyncio.create_task(watching.follow(), name="notices"))
            background.append(asyncio.create_task(keep_up(database), name="what is made from the record"))
            background.append(asyncio.create_task(follow_queue(database), name="what waits for a reviewer"))
        if self._watches:
            kept = keep(database, seal_of(settings), settings.record_days, verifying)
            background.append(asyncio.create_task(kept, name="seals and retention"))
            if settings.syslog_url is not None:
                syslog = Forwarder(database, Target(settings.syslog_url, settings.syslog_ca))
                background.append(asyncio.create_task(syslog.follow(), name="syslog"))
        if self._watches and settings.rules is not None:
            watch = RuleWatch(settings, database)
            background.append(asyncio.create_task(watch.follow(self._sender), name="rules"))
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await verifying.close()
            await journal.close()
            if shared is not None:
                await shared.close()
            await filler.close()
            await upstream.close()
            await asyncio.to_thread(fetched.close)
            await asyncio.to_thread(facets.close)
            await asyncio.to_thread(jail.close)
            database.close()

    def _has_others(self, database: Database) -> bool:
        """Whether other processes may answer the same callers: beside this one, or on other machines."""
        several = self._settings.server_processes > 1 or database.engine.dialect.name != "sqlite"
        return several and self._settings.branch_session_s > 0

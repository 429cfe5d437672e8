"""The ASGI application, built from settings: the Hub's lane in front, the mirror's own addresses behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

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
from curator.hub.oci import GgufRegistry
from curator.hub.prefix import below_prefix
from curator.hub.refs import History
from curator.hub.search import Catalogue
from curator.people.identity import Identity
from curator.policy.hits import count_hits
from curator.policy.in_force import RulesInForce
from curator.policy.watch import RuleWatch
from curator.queue.celery import Sender, celery_app
from curator.queue.sweep import sweep
from curator.review.targets import Targets
from curator.settings import Settings
from curator.store.blobs import BlobStore
from curator.store.fill import Filler
from curator.store.sweep import sweep_parts
from curator.types import UpstreamMode
from curator.upstream.connect import SERVER_PATIENCE_S, connect
from curator.web.bodies import with_short_bodies
from curator.web.errors import bad_query, database_away, error_response, not_kept, refused_by_the_framework
from curator.web.guard import all_guarded
from curator.web.openapi import Described
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
        self._own = FastAPI(
            title="Model Curator", lifespan=self._lifespan, docs_url=None, redoc_url=None, openapi_url=None
        )
        self._own.add_exception_handler(CuratorError, lambda _, error: error_response(cast("CuratorError", error)))
        self._own.add_exception_handler(
            RequestValidationError, lambda _, error: bad_query(cast("RequestValidationError", error))
        )
        self._own.add_exception_handler(
            HTTPException, lambda _, error: refused_by_the_framework(cast("HTTPException", error))
        )
        self._own.add_exception_handler(Again, lambda _, told: again(cast("Again", told)))
        for unkept in (DataError, UnicodeEncodeError):
            self._own.add_exception_handler(unkept, lambda _, error: not_kept(cast("DataError", error)))
        self._own.add_exception_handler(
            OperationalError, lambda _, error: database_away(cast("OperationalError", error))
        )
        self._lane: ASGIApp = self._own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._own if scope["type"] == "lifespan" else self._lane)(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        settings = self._settings
        # Python's own few (six, on two processors) would all be waiting for a slow disk, database or name server.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        database = Database(settings.database)
        store = BlobStore(settings.store_folder, settings.store_reserve_bytes)
        store.prepare()
        filler = Filler(store)
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
        admission = Admission(settings, journal, chooser, resolver)
        identity = Identity(database, anonymous_may_pull=settings.pulls_without_token)
        self._own.state.identity = identity
        service = Service(
            settings=settings,
            database=database,
            sender=self._sender,
            identity=identity,
            journal=journal,
            resolver=resolver,
            gate=gate,
            chooser=chooser,
            inquirer=Inquirer(settings, database, chooser),
            rules=rules,
            targets=Targets(resolver, upstream),
            upstream=upstream,
            store=store,
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
            url=settings.url,
            identity=identity,
            hot=HotAnswers(generation, chooser),
            rules=rules,
            own=with_short_bodies(done_once(self._own, database)),
        )
        self._lane = below_prefix(lane, settings.path_prefix)
        background = [
            asyncio.create_task(sweep(database, self._sender), name="sweep"),
            asyncio.create_task(generation.follow(), name="generation"),
            asyncio.create_task(sweep_parts(store), name="parts"),
            asyncio.create_task(sweep_keys(database), name="keys"),
        ]
        if self._watches:
            background.append(asyncio.create_task(count_hits(database), name="hits of rules"))
        if self._watches and settings.upstream_mode is not UpstreamMode.OFFLINE:
            fresh = keep_fresh(database, self._sender, settings.refresh_facts_s)
            background.append(asyncio.create_task(fresh, name="keep facts fresh"))
        if shared is not None:
            background.append(asyncio.create_task(shared.sweep(), name="sweep sessions"))
        if self._watches:
            expiring = Expiring(database, settings.rejudge_days)
            background.append(asyncio.create_task(expiring.follow(self._sender), name="what has run out"))
        if self._watches and settings.rules is not None:
            watch = RuleWatch(settings, database)
            background.append(asyncio.create_task(watch.follow(self._sender), name="rules"))
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await journal.close()
            if shared is not None:
                await shared.close()
            await filler.close()
            await upstream.close()
            await asyncio.to_thread(jail.close)
            database.close()

    def _has_others(self, database: Database) -> bool:
        """Whether other processes may answer the same callers: beside this one, or on other machines."""
        several = self._settings.server_processes > 1 or database.engine.dialect.name != "sqlite"
        return several and self._settings.branch_session_s > 0

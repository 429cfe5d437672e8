"""The Celery tasks: each is a thin call of a verb elsewhere, under a lease that the database keeps."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from anyio.from_thread import start_blocking_portal
from celery import Celery
from sqlmodel import Session

from curator.admission.gather import Gatherer
from curator.admission.judge import Judge
from curator.admission.licensing import warm
from curator.admission.looking import Looker
from curator.admission.names import known_names
from curator.admission.progress import FOLLOW, JUDGE, LIST, LOOK, REFRESH, SCAN
from curator.admission.refresh import Refresher
from curator.admission.rejudge import PAGE, Rejudger
from curator.admission.reopening import OPENED, Reopener
from curator.database.engine import Database
from curator.database.secret_key import check_if_there
from curator.errors import BadSettings, CuratorError, StoreFull, UpstreamUnavailable
from curator.notify.watching import UpstreamWatch
from curator.policy.rule_sets import REJUDGE
from curator.queue.celery import Sender, celery_app
from curator.queue.work import LeaseLost, Work, claim, fail, renew
from curator.settings import Settings
from curator.store.blobs import BlobStore
from curator.store.fetched import Fetched
from curator.store.fill import Filler
from curator.upstream.client import Upstream
from curator.upstream.connect import WORKER_PATIENCE_S, connect, seal_of
from scanners.jail import Jail, Limits

log = logging.getLogger(__name__)

_READS_AFTER_S = 5.0
_PASSING = (UpstreamUnavailable, StoreFull)


@dataclass(frozen=True, slots=True)
class Step:
    """A task: what it does, and what follows when it has failed for good."""

    verb: Callable[[Work], list[Work]]
    given_up: Callable[[Session, Work], list[Work]]


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of work; its tasks run in threads and share an event loop, a jail and a heartbeat."""

    database: Database
    sender: Sender
    owner: str
    lease_s: float
    at_work: set[int] = field(default_factory=set)
    """What a thread is at, whose lease is renewed for as long as it is: what a failure let fall runs out."""

    def run(self, work_id: int, step: Step) -> None:
        """Do a piece of work if nobody else does, and have the broker told what follows from it."""
        with self.database.write() as session:
            work = claim(session, work_id, self.owner, self.lease_s)
            following = step.given_up(session, work) if work is not None and work.given_up else []
        if work is not None and not work.given_up:
            self.at_work.add(work.id)
            try:
                following = self._done(work, step)
            except LeaseLost as lost:
                log.warning("%s is somebody else's by now: it took longer than its lease, which was not renewed", lost)
            finally:
                self.at_work.discard(work.id)
        self.sender.send(following)

    def renew(self) -> None:
        """Say that what is being done is not abandoned."""
        at_work = tuple(self.at_work)
        if at_work:
            renew(self.database, self.owner, at_work, self.lease_s)

    def _done(self, work: Work, step: Step) -> list[Work]:
        """Do it; returns what follows. Raises `LeaseLost`."""
        try:
            return step.verb(work)
        except CuratorError as error:
            return self._failed(work, error.sentence, step, passing=isinstance(error, _PASSING))
        except LeaseLost:
            raise
        except Exception as error:
            # Whatever it was, it must not take the worker down: it is told, tried again, and in the end not judged.
            log.exception("%s %s failed", work.task, work.key)
            return self._failed(work, f"The mirror failed inside ({type(error).__name__})", step, passing=True)

    def _failed(self, work: Work, sentence: str, step: Step, *, passing: bool) -> list[Work]:
        log.warning("%s %s, attempt %d: %s", work.task, work.key, work.attempts, sentence)
        with self.database.write() as session:
            # In one step with what follows: a crash between the two would leave those who wait waiting.
            return [] if fail(session, work, sentence, passing=passing) else step.given_up(session, work)


def run_worker(settings: Settings) -> None:
    """Work until told to stop (SIGTERM: finish what is under way)."""
    if settings.broker_url is None:
        raise BadSettings("A worker wants CURATOR_BROKER_URL: the address of the broker that its server uses")
    app = celery_app(settings.broker_url.get_secret_value())
    with _steps(settings) as (database, steps):
        check_if_there(database, seal_of(settings))
        owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        worker = Worker(database, Sender(app), owner, settings.lease_s)
        for name, step in steps.items():
            _register(app, worker, name, step)
        with _heartbeat(worker):
            app.worker_main(
                [
                    "worker",
                    "--pool=threads",
                    f"--concurrency={settings.worker_threads}",
                    "--without-gossip",
                    "--without-mingle",
                    "--without-heartbeat",
                    f"--hostname=curator-{os.getpid()}@%h",
                    "--loglevel=WARNING",
                ]
            )


@contextmanager
def _steps(settings: Settings) -> Iterator[tuple[Database, dict[str, Step]]]:
    """What the tasks do, with all that it takes."""
    database = Database(settings.database)
    store = BlobStore(settings.store_folder, settings.store_reserve_bytes)
    store.prepare()
    fetched = Fetched(database)
    known = known_names(settings)
    limits = Limits(memory_bytes=settings.scan_memory_bytes, wall_s=settings.scan_timeout_s)
    with start_blocking_portal() as portal, Jail(limits, engines=settings.second_opinions) as jail:

        async def begin() -> tuple[Upstream, Filler]:
            return connect(settings, database, patience_s=WORKER_PATIENCE_S), Filler(store, fetched.add)

        upstream, filler = portal.call(begin)
        threading.Thread(target=jail.start, name="jail", daemon=True).start()
        # Half a second of a processor: after the first judgement, which somebody may be waiting for already.
        reads = threading.Timer(_READS_AFTER_S, warm)
        reads.daemon = True
        reads.start()
        gatherer = Gatherer(database, upstream, filler, portal, jail, settings.scan_whole_below_bytes)
        looker = Looker(database, upstream, filler, portal, settings.scan_whole_below_bytes, known)
        refresher = Refresher(database, looker, settings.refresh_facts_s)
        judge = Judge(database, settings.retry_failed_s, known)
        rejudger = Rejudger(database, settings.rejudge_days, settings.retry_failed_s)
        watch = portal.start_task_soon(UpstreamWatch(database, upstream.is_down).follow)
        counting = portal.start_task_soon(fetched.follow)
        try:
            yield (
                database,
                {
                    LIST: Step(gatherer.list_commit, _nothing),
                    SCAN: Step(gatherer.scan_content, gatherer.give_up_scan),
                    LOOK: Step(looker.look, looker.give_up),
                    JUDGE: Step(judge.judge, _nothing),
                    REFRESH: Step(refresher.refresh, _nothing),
                    FOLLOW: Step(gatherer.follow, _nothing),
                    REJUDGE: Step(rejudger.plan, _nothing),
                    PAGE: Step(rejudger.page, _nothing),
                    OPENED: Step(Reopener(database).ask, _nothing),
                },
            )
        finally:
            reads.cancel()
            watch.cancel()
            counting.cancel()
            portal.call(filler.close)
            portal.call(upstream.close)
            fetched.close()
            database.close()


def _nothing(_session: Session, _work: Work) -> list[Work]:
    """Whoever waits finds the failure in the database."""
    return []


def _register(app: Celery, worker: Worker, name: str, step: Step) -> None:
    @app.task(name=name)  # type: ignore[untyped-decorator]
    def task(work_id: int) -> None:
        worker.run(work_id, step)


@contextmanager
def _heartbeat(worker: Worker) -> Iterator[None]:
    """Renew what the worker holds, so that only a dead worker's work is given away."""
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(worker.lease_s / 4):
            try:
                worker.renew()
            except Exception:
                # A database that is away for a moment must not end the heartbeat.
                log.exception("the leases could not be renewed")

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()

"""What is seen of the service at a look: work, traffic, changes, the state; on each database."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import update

from curator.admission import underway
from curator.admission.progress import JUDGE, SCAN, scan_key
from curator.admission.tables import AdmissionRow, EntryRow, SnapshotRow
from curator.audit import traffic, uses
from curator.audit.follow import follow
from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditCheckRow, AuditHeadRow, TrafficRow
from curator.audit.verify import keep_result, verify
from curator.database.engine import Database, now
from curator.notify import health
from curator.people.caller import Caller
from curator.people.roles import Role
from curator.queue.tables import WorkRow
from curator.settings import Settings
from curator.store.blobs import BlobStore
from curator.store.fetched import Fetched, by_hour, hour_of
from curator.store.part import Part
from curator.store.sizes import Sizes
from curator.types import BlobId, HashKind, RepoKind, UpstreamMode
from curator.web.live import MOST_LISTENERS, Live, LiveView, TooManyListeners
from curator.web.overview import OUTCOMES, Window, changes_for, traffic_of
from curator.web.state import Level, state_of
from rules.circumstances import EVERYBODY

ADA = Caller("ada", Role.ADMIN)
DANA = Caller("dana", Role.DEVELOPER, team="risk")
BLOB = BlobId(HashKind.SHA256, "ab" * 32)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    made = BlobStore(tmp_path / "blobs", 0)
    made.prepare()
    return made


def judged(database: Database, *works: WorkRow) -> int:
    """A commit of one file that somebody waits for, and the work for it."""
    with database.write() as session:
        row = SnapshotRow(kind="model", repo="acme/a", sha="a" * 40, info="{}", seen_at=now(), listed_at=now())
        session.add(row)
        session.flush()
        assert row.id is not None
        session.add(
            EntryRow(snapshot_id=row.id, path="w/model.bin", name="model.bin", oid="0" * 40, blob=str(BLOB), size=9)
        )
        session.add(AdmissionRow(snapshot_id=row.id, rule_set="r", scanner="s", asked_at=now(), open=True))
        session.add_all(works)
        return row.id


def work(task: str, key: str, state: str = "running", *, waited_s: float = 0, owner: str | None = "w1") -> WorkRow:
    moment = now()
    return WorkRow(
        task=task,
        key=key,
        state=state,
        owner=owner,
        due_at=moment + dt.timedelta(seconds=60),
        created_at=moment - dt.timedelta(seconds=waited_s),
    )


def test_a_commit_says_which_of_its_files_is_being_scanned(database: Database) -> None:
    judged(database, work(SCAN, scan_key(BLOB, "model.bin")))
    with database.read() as session:
        (one,) = underway.judging(session)
    assert (one.repo, one.stage, one.now, one.scanned, one.files) == ("acme/a", "scanning", ("w/model.bin",), 0, 1)


def test_a_commit_that_nobody_is_at_waits_and_another_is_judged(database: Database) -> None:
    snapshot_id = judged(database)
    with database.read() as session:
        assert [one.stage for one in underway.judging(session)] == ["waiting"]
    with database.write() as session:
        session.add(work(JUDGE, f"{snapshot_id} r s {EVERYBODY}"))
    with database.read() as session:
        assert [one.stage for one in underway.judging(session)] == ["judging"]


def test_work_that_nobody_takes_is_told_as_an_alarm(database: Database, store: BlobStore) -> None:
    settings, sizes = Settings(), Sizes(store, 0)
    state = state_of(settings, database, sizes, now())
    assert not state.work.idle
    with database.write() as session:
        session.add(work("curator.scan", "k", "waiting", waited_s=120, owner=None))
    state = state_of(settings, database, sizes, now())
    assert state.work.idle
    assert state.level is Level.BAD
    assert "work" in {alarm.topic for alarm in state.alarms}
    with database.write() as session:
        session.add(work("curator.scan", "l", waited_s=120))
    assert not state_of(settings, database, sizes, now()).work.idle


def test_a_store_counts_its_blobs_and_not_the_links_to_them(store: BlobStore) -> None:
    part = Part.claim(store, BlobId(HashKind.GIT_SHA1, "0" * 40), 5)
    assert part is not None
    part.write(0, [b"bytes"])
    store.publish(part.path, part.blob, "cd" * 32)
    size = Sizes(store, 7).get()
    assert (size.files, size.bytes, size.new_bytes, size.reserve) == (1, 5, 5, 7)


def asked(database: Database, action: Action, outcome: str, repo: str = "acme/a", **more: str) -> None:
    event = AuditEvent(action=action, actor="dana", kind=RepoKind.MODEL, repo=repo, outcome=outcome, size=100, **more)  # type: ignore[arg-type]
    with database.write() as session:
        append(session, event)


def test_traffic_is_told_by_what_became_of_it_in_every_hour_and_day(database: Database) -> None:
    for action, outcome in (
        (Action.DOWNLOAD, "allow"),
        (Action.DOWNLOAD, "allow"),
        (Action.REFUSE, "block"),
        (Action.REFUSE, "error"),
    ):
        asked(database, action, outcome)
    follow(database, traffic.FOLLOWER, traffic.take)
    for window, places in ((Window.DAY, 24), (Window.FORTNIGHT, 14)):
        with database.read() as session:
            seen = traffic_of(session, window, now())
        assert len(seen.places) == places
        assert seen.requests == dict.fromkeys(OUTCOMES, 0) | {"served": 2, "block": 1, "other": 1}
        assert seen.bytes == 200
        assert [(one.repo, one.downloads, one.refusals) for one in seen.top] == [("acme/a", 2, 2)]
        assert seen.places[-1].total == 4


def test_the_share_of_the_cache_is_what_was_served_and_did_not_come_from_the_hub_meanwhile(database: Database) -> None:
    fetched = Fetched(database)
    for window in Window:
        with database.read() as session:
            assert traffic_of(session, window, now()).cache.share is None, "nothing was served"
    for _ in range(4):
        asked(database, Action.DOWNLOAD, "allow")
    follow(database, traffic.FOLLOWER, traffic.take)
    fetched.add(60)
    fetched.write()
    fetched.add(40)
    fetched.write()
    fetched.write()
    for window in Window:
        with database.read() as session:
            seen = traffic_of(session, window, now())
        assert (seen.cache.served, seen.cache.fetched, seen.cache.share) == (400, 100, 0.75)
        assert seen.places[-1].fetched == 100
    fetched.add(400)
    fetched.write()
    with database.read() as session:
        assert traffic_of(session, Window.DAY, now()).cache.share == 0, "more was fetched to be scanned than was served"


def test_what_was_served_before_anything_was_counted_is_no_part_of_the_share(database: Database) -> None:
    asked(database, Action.DOWNLOAD, "allow")
    follow(database, traffic.FOLLOWER, traffic.take)
    began = hour_of(now())
    with database.write_rows() as connection:
        # It was served yesterday.
        connection.execute(update(TrafficRow).values(hour=began - dt.timedelta(days=1)))
    asked(database, Action.DOWNLOAD, "allow")
    follow(database, traffic.FOLLOWER, traffic.take)
    with database.read() as session:
        seen = traffic_of(session, Window.FORTNIGHT, now())
    assert seen.bytes == 200
    assert (seen.cache.since, seen.cache.served) == (began, 100)


def test_what_could_not_be_written_down_is_not_forgotten(database: Database, tmp_path: Path) -> None:
    fetched = Fetched(Database(f"sqlite:///{tmp_path}/none/there.db"))
    fetched.add(7)
    fetched.close()
    fetched._database = database
    fetched.add(1)
    fetched.close()
    with database.read() as session:
        assert sum(by_hour(session, now()).values()) == 8


def test_a_hub_that_does_not_answer_is_an_alarm_until_it_does(database: Database, store: BlobStore) -> None:
    settings, sizes = Settings(), Sizes(store, 0)
    health.report(database, health.UPSTREAM, bad=True, sentence="The Hub could not be reached")
    health.still_bad(database, health.UPSTREAM)
    state = state_of(settings, database, sizes, now())
    assert state.upstream_down_since is not None
    assert [alarm.level for alarm in state.alarms if alarm.topic == "upstream"] == ["bad"]
    offline = Settings(upstream_mode=UpstreamMode.OFFLINE)
    assert state_of(offline, database, sizes, now()).upstream_down_since is None
    health.report(database, health.UPSTREAM, bad=False, sentence="The Hub answers again")
    state = state_of(settings, database, sizes, now())
    assert state.upstream_down_since is None
    assert "upstream" not in {alarm.topic for alarm in state.alarms}


def test_the_state_says_when_the_record_was_verified_and_that_it_is_not_whole(
    database: Database, store: BlobStore
) -> None:
    settings, sizes = Settings(), Sizes(store, 0)

    def told() -> list[tuple[str, str]]:
        alarms = state_of(settings, database, sizes, now()).alarms
        return [(alarm.level, alarm.sentence) for alarm in alarms if alarm.topic == "record"]

    asked(database, Action.DOWNLOAD, "allow")
    assert state_of(settings, database, sizes, now()).verified is None
    assert told() == [], "a record that has only just begun can wait"
    keep_result(database, verify(database))
    state = state_of(settings, database, sizes, now())
    assert state.verified is not None
    assert (state.verified.rows, state.verified.problems) == (1, 0)
    assert told() == []
    with database.write_rows() as connection:
        connection.execute(update(AuditCheckRow).values(at=now() - dt.timedelta(days=4)))
    ((level, sentence),) = told()
    assert level == "warning"
    assert "curator audit verify" in sentence
    with database.write_rows() as connection:
        connection.execute(update(AuditHeadRow).values(seq=9))
    keep_result(database, verify(database))
    ((level, sentence),) = told()
    assert level == "bad"
    assert "NOT as it was written" in sentence


def test_a_developer_is_told_of_changes_to_what_he_has_pulled_and_to_nothing_else(database: Database) -> None:
    asked(database, Action.DOWNLOAD, "allow", commit="a" * 40)
    follow(database, uses.FOLLOWER, uses.take)
    asked(database, Action.CHANGE, "block", commit="a" * 40)
    asked(database, Action.CHANGE, "hold", commit="a" * 40, team="fraud")
    asked(database, Action.CHANGE, "hold", repo="other/b", commit="b" * 40)
    with database.read() as session:
        assert [(one.repo, one.outcome) for one in changes_for(session, DANA)] == [("acme/a", "block")]
        assert len(changes_for(session, ADA)) == 3
        assert changes_for(session, Caller("nils", Role.DEVELOPER)) == []


async def first(view: LiveView) -> Live:
    async for state in view.follow():
        if state is not None:
            return state
    raise AssertionError("it ended")


def test_all_who_look_on_see_the_same_and_the_last_who_leaves_ends_the_looking(
    database: Database, store: BlobStore
) -> None:
    async def run() -> None:
        view = LiveView(database, store)
        streams = [view.follow() for _ in range(MOST_LISTENERS)]
        states = [await anext(stream) for stream in streams]
        assert states.count(states[0]) == MOST_LISTENERS
        with pytest.raises(TooManyListeners):
            await first(view)
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]
        assert [task for task in asyncio.all_tasks() if task.get_name() == "live" and not task.cancelling()] == []
        assert (await first(view)).judging == ()

    asyncio.run(run())


def test_a_file_that_arrives_is_told_with_where_it_belongs_and_how_far_it_is(
    database: Database, store: BlobStore
) -> None:
    judged(database)
    part = Part.claim(store, BLOB, 9)
    assert part is not None
    part.write(0, [b"1234"])
    part.ledger.written = 4
    (store.parts / "strange.ledger").write_bytes(b"")

    async def run() -> None:
        view = LiveView(database, store)
        (one,) = (await view.get()).downloads
        assert (one.repo, one.path, one.written, one.size) == ("acme/a", "w/model.bin", 4, 9)
        part.close(keep=False)
        assert (await view.get()).downloads == ()

    asyncio.run(run())


def test_a_server_that_stops_ends_all_who_look_on(database: Database, store: BlobStore) -> None:
    async def run() -> None:
        view = LiveView(database, store)
        ended = asyncio.Event()

        async def listen() -> None:
            async for _ in view.follow():
                pass
            ended.set()

        listener = asyncio.create_task(listen())
        await asyncio.sleep(0.3)
        await view.close()
        await asyncio.wait_for(ended.wait(), 2)
        await listener

    asyncio.run(run())

"""Nobody keeps the live page from others."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import cast

import pytest

from curator.admission.tables import EntryRow, SnapshotRow
from curator.admission.underway import Judging, backlog
from curator.audit.tables import UseRow
from curator.database.engine import Database, now
from curator.people.caller import Caller
from curator.people.roles import Role
from curator.store.blobs import BlobStore
from curator.web import live as live_module
from curator.web.live import MOST_OF_ONE, Download, Live, LiveView, TooManyListeners, Whom


def test_one_who_opens_it_again_and_again_takes_no_others_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveView, "_keep_looking", lambda _self: asyncio.sleep(60))

    async def many() -> None:
        view = LiveView(cast("Database", None), cast("BlobStore", None))
        mallorys = [view.follow("mallory") for _ in range(MOST_OF_ONE)]
        steps = [asyncio.ensure_future(anext(one)) for one in mallorys]
        await asyncio.sleep(0.01)
        with pytest.raises(TooManyListeners, match="close one of these"):
            view.require_room("mallory")
        with pytest.raises(TooManyListeners):
            await anext(view.follow("mallory"))
        view.require_room("ada")
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)
        view.require_room("mallory")

    asyncio.run(many())


def test_each_sees_for_whom_a_file_comes_as_far_as_they_may(database: Database) -> None:
    def at(name: str, team: str) -> Whom:
        return Whom(name, team, "scores", "")

    both = Download(
        "sha256:1", "model", "acme/tiny", "model.bin", 10, 5, 0.0, None, (at("dora", "risk"), at("theo", "fx"))
    )
    others = Download("sha256:2", "model", "acme/big", "model.bin", 10, 5, 0.0, None, (at("theo", "fx"),))
    judged = Judging("model", "acme/new", "1" * 40, now(), "", "scanning", 1, 2, ())
    with database.read() as session:
        live = Live(now(), (judged,), backlog(session), (both, others))
    assert live.for_caller(Caller("rita", Role.REVIEWER)) == live
    mine = live.for_caller(Caller("dora", Role.DEVELOPER, team="risk"))
    assert [(one.repo, [who.name for who in one.whom]) for one in mine.downloads] == [("acme/tiny", ["dora"])]
    assert mine.judging == (), "what is judged for everybody may have been asked for by anybody"


def test_who_was_given_files_of_the_commit_of_late_is_who_a_file_comes_for(database: Database) -> None:
    moment = now()
    with database.write() as session:
        snapshot = SnapshotRow(kind="model", repo="acme/tiny", sha="1" * 40, seen_at=moment, info="{}")
        session.add(snapshot)
        session.flush()
        entry = EntryRow(
            snapshot_id=snapshot.id or 0, path="model.bin", name="model.bin", size=10, oid="1", blob="sha256:1"
        )
        session.add(entry)
        for name, ago in (("dora", 1), ("theo", 5), ("olga", 300)):
            session.add(
                UseRow(
                    id=name,
                    kind="model",
                    repo="acme/tiny",
                    commit="1" * 40,
                    actor=name,
                    token="",
                    team="risk",
                    project="",
                    job="",
                    first_at=moment,
                    last_at=moment - dt.timedelta(minutes=ago),
                    files=1,
                    bytes=10,
                    address="",
                    user_agent="",
                )
            )
    with database.read() as session:
        named = live_module._named(session, ["sha256:1"])
        whom = live_module._whom(session, named)
    assert named["sha256:1"][0][:3] == ("model", "acme/tiny", "model.bin")
    assert [who.name for who in whom["sha256:1"]] == ["dora", "theo"]

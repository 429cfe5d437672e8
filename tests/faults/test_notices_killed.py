"""A process that is killed in the middle of telling people: nothing is lost, and nothing is told twice."""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from curator.audit.record import Action
from curator.database.engine import Database, now
from curator.database.sealing import Seal
from curator.notify import digests, gathering, making, webhooks
from curator.notify.choices import Choices, choose
from curator.notify.kinds import Way
from curator.notify.tables import NoticeReaderRow, WebhookRow
from curator.people.roles import Role
from tests.unit.notify.given import LOCAL, URL, deliveries, event, happens, hours_pass, inbox, maker, notices, person


def killed(database: Database, work: Callable[[Database], object]) -> None:
    """Have it done by a process that dies of SIGKILL before it comes to an end."""
    child = os.fork()
    if child == 0:
        try:
            work(Database(database.engine.url.render_as_string(hide_password=False)))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it came to its end"
    assert os.WTERMSIG(status) == signal.SIGKILL


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_after(module: object, name: str) -> None:
    """In this process, which is about to be killed."""
    before = getattr(module, name)

    def then(*given: Any, **named: Any) -> None:
        before(*given, **named)
        die()

    setattr(module, name, then)


def _collected(database: Database) -> None:
    """Many held commits, which are one notice that waits for a minute of quiet."""
    happens(database, *(event(Action.DECIDE, repo=f"acme/{number}") for number in range(gathering.FEW + 2)))
    maker(database).step()
    (notice,) = notices(database)
    assert notice.open_until is not None
    hours_pass(database, 1)


def _closing_dies(moment: str) -> Callable[[Database], object]:
    def work(database: Database) -> None:
        if moment == "within":
            dies_after(gathering, "closed")
        elif moment == "after":
            dies_after(making, "_log")
        else:
            vars(making)["spread"] = die
        maker(database).step()

    return work


@pytest.mark.parametrize("moment", ["within", "after", "before-it-is-spread"])
def test_a_collection_that_closes_is_told_once_whenever_its_process_is_killed(database: Database, moment: str) -> None:
    rita = person(database, "rita", Role.REVIEWER)
    _collected(database)
    killed(database, _closing_dies(moment))
    for _ in range(2):
        maker(database).step()
    assert inbox(database, rita) == ["model.held"]
    (notice,) = notices(database)
    assert (notice.count, notice.open_until, notice.told_to) == (gathering.FEW + 2, None, None)


def _waiting(database: Database) -> str:
    rita = person(database, "rita", Role.REVIEWER)
    with database.write() as session:
        choose(session, rita.id, "rita", Choices(ways={"held": Way.DIGEST}))
    happens(database, event(Action.DECIDE), event(Action.DECIDE, repo="acme/other"))
    maker(database).step()
    return rita.id


@pytest.mark.parametrize("moment", ["within", "after"])
def test_a_digest_is_sent_once_whenever_its_process_is_killed(
    database: Database, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    user = _waiting(database)
    tomorrow = now() + dt.timedelta(hours=25)
    monkeypatch.setattr(digests, "now", lambda: tomorrow)

    def work(own: Database) -> None:
        dies_after(digests, "send_out" if moment == "within" else "_make")
        digests.make_due(own, URL)

    killed(database, work)
    digests.make_due(database, URL)
    digests.make_due(database, URL)
    sent = [row for row in deliveries(database) if row.user_id == user]
    assert len(sent) == 1, "one mail, with one id, by which whoever is sent it twice knows it"
    (digest,) = [one for one in notices(database) if one.type == "digest"]
    assert "2 notices" in digest.title
    with database.read() as session:
        assert session.exec(select(NoticeReaderRow).where(NoticeReaderRow.digest)).first() is None


@pytest.mark.parametrize("moment", ["within", "after"])
def test_a_receiver_knows_its_notices_whenever_a_rotation_is_killed_and_begun_again(
    database: Database, tmp_path: Path, moment: str
) -> None:
    seal = Seal(None, tmp_path / "secret.key")
    wanted = webhooks.Wanted(name="chat", url="http://127.0.0.1:9090/x")
    row, known = webhooks.make(database, seal, wanted, LOCAL, "ada")

    def keys() -> list[str]:
        with database.read() as session:
            return webhooks.keys_of(seal, session.get_one(WebhookRow, row.id))

    def work(own: Database) -> None:
        if moment == "within":
            dies_after(webhooks, "_record")
        webhooks.rotate(own, seal, row.id, "ada")
        die()

    killed(database, work)
    assert known in keys(), "what the receiver has signs on: nobody was told another one"
    assert len(keys()) == (1 if moment == "within" else 2)
    _, fresh = webhooks.rotate(database, seal, row.id, "ada")
    assert keys()[0] == fresh
    assert known in keys(), "also beside the one that was made and shown to nobody"

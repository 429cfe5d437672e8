"""What is made from the record takes each row once, and rests while there is little that is new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from sqlmodel import Session

from curator.admission.catalogue import asked
from curator.audit import made
from curator.audit.follow import follow, follow_together, is_behind
from curator.audit.record import Action, AuditEvent, add_rows
from curator.audit.tables import AuditRow
from curator.database.engine import Database
from curator.policy import hits
from curator.types import RepoKind


def happens(database: Database, *actions: Action) -> None:
    with database.write_rows() as connection:
        add_rows(connection, [_event(action) for action in actions])


def _event(action: Action) -> AuditEvent:
    return AuditEvent(action=action, actor="bob", kind=RepoKind.MODEL, repo="acme/tiny", outcome="allow")


def test_a_follower_is_shown_what_he_asks_for_and_passes_all_else(database: Database) -> None:
    shown: list[list[int | None]] = []

    def take(_: Session, rows: Sequence[AuditRow]) -> None:
        shown.append([row.seq for row in rows])

    happens(database, *[Action.DOWNLOAD] * 3, Action.REFUSE, *[Action.DOWNLOAD] * 4, Action.REFUSE, Action.DOWNLOAD)
    refused = (Action.REFUSE.value,)
    assert [follow(database, "one", take, 4, refused) for _ in range(4)] == [4, 4, 2, 0]
    assert shown == [[4], [9]]
    assert not is_behind(database, "one")
    happens(database, Action.DECIDE)
    assert is_behind(database, "one")
    assert follow(database, "one", take, 4, refused) == 1
    assert shown == [[4], [9]]


def test_those_who_have_come_equally_far_are_shown_the_same_and_nobody_a_row_twice(database: Database) -> None:
    shown: dict[str, list[int | None]] = {"first": [], "second": [], "third": []}

    def take_of(name: str) -> Callable[[Session, Sequence[AuditRow]], None]:
        return lambda _, rows: shown[name].extend(row.seq for row in rows)

    happens(database, *[Action.DOWNLOAD] * 7)
    assert follow(database, "second", take_of("second"), 2) == 2
    takes = {name: take_of(name) for name in shown}
    while follow_together(database, takes, 3):
        pass
    assert shown == {name: [1, 2, 3, 4, 5, 6, 7] for name in takes}


@pytest.mark.parametrize(
    ("module", "keep_on"),
    [(hits, hits.count_hits), (asked, asked.keep_counted), (made, made.keep_up)],
    ids=["hits", "catalogue", "made"],
)
def test_downloads_without_end_keep_no_follower_busy_without_end(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    keep_on: Callable[[Database], Coroutine[Any, Any, None]],
) -> None:
    verb = "follow_together" if module is made else "follow"
    really, times = getattr(module, verb), list[int]()

    def followed(*given: Any) -> int:
        times.append(really(*given))
        happens(database, Action.DOWNLOAD)
        return times[-1]

    monkeypatch.setattr(module, verb, followed)
    happens(database, Action.DOWNLOAD)

    async def run() -> None:
        following = asyncio.create_task(keep_on(database))
        for _ in range(1_000):
            await asyncio.sleep(0.01)
            if times:
                break
        await asyncio.sleep(0.3)
        following.cancel()

    asyncio.run(run())
    assert times == [1], "each download would cost a transaction more"

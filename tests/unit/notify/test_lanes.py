"""Who is slow holds up himself."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from curator.audit.record import Action
from curator.database.engine import Database, now
from curator.notify import outbox
from curator.notify.lanes import Lanes
from curator.notify.tables import DeliveryRow, WebhookRow
from curator.people.roles import Role
from tests.unit.notify.given import deliveries, event, happens, maker, person


@dataclass
class Deliverer:
    """Takes a mail or a webhook at once; from the slow one it returns when it is told to."""

    database: Database
    slow: str
    go_on: threading.Event = field(default_factory=threading.Event)
    at_once: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    def deliver(self, begun: DeliveryRow) -> bool:
        to = begun.webhook_id or "mail"
        self.at_once[to] += 1
        self.most[to] = max(self.most[to], self.at_once[to])
        if to == self.slow:
            self.go_on.wait(30)
        with self.database.write() as session:
            outbox.sent(session, session.get_one(DeliveryRow, begun.id), 200, None)
        self.at_once[to] -= 1
        return True


def hook(database: Database, name: str) -> None:
    with database.write() as session:
        session.add(
            WebhookRow(
                id=name,
                name=name,
                url="https://example.org/",
                format="json",
                types="[]",
                repos="[]",
                sealed="",
                created_at=now(),
                created_by="test",
            )
        )


def left(database: Database) -> Counter[str]:
    return Counter(row.webhook_id or "mail" for row in deliveries(database) if row.state == "waiting")


def test_a_slow_receiver_keeps_two_lanes_and_everybody_else_is_served(database: Database) -> None:
    hook(database, "slow")
    hook(database, "quick")
    person(database, "dora", Role.DEVELOPER, "risk")
    happens(
        database,
        event(Action.DOWNLOAD, actor="dora", team="risk", outcome="allow"),
        event(Action.CHANGE, outcome="block", sentence="allowed until now; now blocked"),
        *(event(Action.DECIDE, repo=f"acme/m{number}") for number in range(4)),
    )
    maker(database).step()
    assert left(database) == {"slow": 5, "quick": 5, "mail": 1}
    by = Deliverer(database, "slow")
    lanes = Lanes(database, by)  # type: ignore[arg-type]
    _until(lanes, lambda: left(database) == {"slow": 5})
    assert by.most["slow"] == 2
    by.go_on.set()
    _until(lanes, lambda: not left(database))
    assert all(row.attempts == 1 for row in deliveries(database)), "each is tried by one"
    lanes.close()


def _until(lanes: Lanes, done: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        lanes.step()
        time.sleep(0.02)

"""Who delivers: a few threads of the process that watches, apart from whatever judges and serves.

Mails have lanes of their own, and no webhook has more than a part of the others: what is slow holds up itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from curator.database.engine import Database, now
from curator.notify import outbox
from curator.notify.delivering import Deliverer
from curator.notify.tables import DeliveryRow, WebhookRow

log = logging.getLogger(__name__)

_MAIL_LANES = 2
_WEBHOOK_LANES = 4
_MOST_OF_ONE = 2
"""Lanes that one webhook may have."""
_LONGEST_END_S = 3.0


@dataclass(slots=True)
class Lanes:
    """Of one process. Several processes may deliver at once: each delivery is held by one."""

    database: Database
    deliverer: Deliverer
    _running: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0}, init=False)
    _busy: Counter[str] = field(default_factory=Counter, init=False)
    """By webhook, how many lanes it has."""
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False)

    def step(self) -> int:
        """Have free lanes begin with what is due; returns how many did. They go on until nothing is."""
        begun = 0
        for mails, most in ((True, _MAIL_LANES), (False, _WEBHOOK_LANES)):
            if not outbox.is_any_due(self.database, mails=mails):
                continue
            while self._running[mails] < most and (row := self._begin(mails=mails)) is not None:
                with self._lock:
                    self._running[mails] += 1
                # Daemons: a receiver that answers never must not keep the server from ending.
                threading.Thread(target=self._run, args=(row, mails), name="notices", daemon=True).start()
                begun += 1
        return begun

    def close(self) -> None:
        """Nothing else is begun; what is under way has some seconds, and what is cut off is sent after its lease."""
        self._closed.set()
        end = time.monotonic() + _LONGEST_END_S
        while any(self._running.values()) and time.monotonic() < end:
            time.sleep(0.05)

    def _run(self, begun: DeliveryRow, mails: bool) -> None:
        row: DeliveryRow | None = begun
        try:
            while row is not None:
                try:
                    self.deliverer.deliver(row)
                finally:
                    self._free(row)
                row = None if self._closed.is_set() else self._begin(mails=mails)
        except Exception:
            # What it held is tried again when its lease has ended.
            log.exception("a lane of notices failed; another begins")
        finally:
            with self._lock:
                self._running[mails] -= 1

    def _begin(self, *, mails: bool) -> DeliveryRow | None:
        with self.database.read() as session:
            # Nearly always there is nothing, and whoever only looks keeps no writer waiting.
            if outbox.some_due(session, mails=mails, but=() if mails else self._left_alone(session)) is None:
                return None
        # One lane at a time, so that two do not both find the last place of a webhook free.
        with self._lock, self.database.write() as session:
            while True:
                row = outbox.some_due(session, mails=mails, but=() if mails else self._left_alone(session))
                if row is None or outbox.begin(session, row):
                    break
            if row is not None and row.webhook_id:
                self._busy[row.webhook_id] += 1
            return row

    def _free(self, row: DeliveryRow) -> None:
        if row.webhook_id:
            with self._lock:
                self._busy[row.webhook_id] -= 1

    def _left_alone(self, session: Session) -> set[str]:
        """Webhooks that have their part of the lanes, or that did not answer a moment ago."""
        paused = session.exec(select(WebhookRow.id).where(col(WebhookRow.paused_until) > now())).all()
        return {*paused, *(webhook for webhook, lanes in dict(self._busy).items() if lanes >= _MOST_OF_ONE)}

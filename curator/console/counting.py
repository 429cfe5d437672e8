"""How much waits for whoever looks: the numbers beside the pages of the navigation."""

from __future__ import annotations

from collections.abc import Callable

from curator.database.engine import Database
from curator.notify.inbox import unread_count
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.review import queue

MOST = 99
"""More is simply many: nothing is counted further, however long the queue."""


def counting(database: Database) -> Callable[[Caller], dict[str, int]]:
    """A verb that counts by page; where nothing waits there is no number."""

    def count(caller: Caller) -> dict[str, int]:
        counts = dict[str, int]()
        with database.read() as session:
            if caller.may(Permission.DECIDE):
                counts["/-/review"] = queue.count(session, MOST + 1)
            if caller.user_id is not None:
                counts["/-/notices"] = unread_count(session, caller.user_id)
        return {path: number for path, number in counts.items() if number}

    return count

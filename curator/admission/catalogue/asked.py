"""How much each repository is used, and when it was last asked for: counted from the record, each row once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, update
from sqlmodel import Session

from curator.admission.catalogue.fill import fill
from curator.admission.catalogue.tables import CatalogueRow
from curator.audit.follow import follow
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database
from curator.upkeep import keep_doing

NAME = "catalogue"
_LOOK_EVERY_S = 5.0
_PAUSE_S = 0.02
_AT_ONCE = 1_000
_SENT = Action.DOWNLOAD.value
_ASKED = frozenset({Action.DOWNLOAD.value, Action.REFUSE.value, Action.SUBSTITUTE.value})


@dataclass(slots=True)
class _Use:
    sent: int = 0
    at: dt.datetime | None = None


async def keep_counted(database: Database) -> None:
    """Until cancelled; one process of a server does. What is not in the catalogue yet is taken into it first."""
    await fill(database)
    # While somebody downloads there is always something new, and each look at it is a transaction.
    await keep_doing(lambda: _PAUSE_S if count_some(database) == _AT_ONCE else _LOOK_EVERY_S, "uses cannot be counted")


def count_some(database: Database) -> int:
    """Take what is new of the record, up to a thousand rows; returns how many these were."""
    return follow(database, NAME, _take, _AT_ONCE)


def _take(session: Session, rows: Sequence[AuditRow]) -> None:
    uses: dict[tuple[str, str], _Use] = {}
    for row in rows:
        if row.action not in _ASKED or not row.repo:
            continue
        use = uses.setdefault((row.kind, row.repo), _Use())
        use.sent += row.action == _SENT
        use.at = max(use.at, row.at) if use.at else row.at
    if uses:
        # All in one: a statement for each would take a quarter of what a server does for a pull.
        told = [{"of_kind": of[0], "of_repo": of[1], "sent": use.sent, "at": use.at} for of, use in uses.items()]
        session.connection().execute(_COUNT, told)


_CATALOGUE = CatalogueRow.__table__  # type: ignore[attr-defined]
_COUNT = (
    update(_CATALOGUE)
    .where(_CATALOGUE.c.kind == bindparam("of_kind"), _CATALOGUE.c.repo == bindparam("of_repo"))
    .values(used=_CATALOGUE.c.used + bindparam("sent"), asked_at=bindparam("at"))
)

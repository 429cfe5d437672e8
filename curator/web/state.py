"""How the service is: rules, scanners, work, store, record and upstream, for API, console and alarms alike."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from curator.admission import rejudgement, underway
from curator.admission.underway import Backlog
from curator.audit.seals import newest_seal
from curator.audit.standing import Checked, last_checked, unverified_since
from curator.audit.tables import AuditHeadRow
from curator.database.engine import Database
from curator.notify.health import upstream_down_since
from curator.policy import rule_sets, watch
from curator.settings import Settings
from curator.store.sizes import Sizes, StoreSize
from curator.types import UpstreamMode
from curator.web.configuration import program_version
from scanners.finding import SCANNER_VERSION
from scanners.repository.data_version import data_version

_LATE = dt.timedelta(days=3)
"""A server verifies the record each day by itself."""


class Level(StrEnum):
    """How it is, in a word."""

    WELL = "well"
    WARNING = "warning"
    """Somebody should look at it; all is served as decided."""
    BAD = "bad"
    """Something is not served, or not decided."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that somebody is to do something about."""

    level: str
    topic: str
    """`rules`, `work`, `store`, `upstream` or `record`."""
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RulesState:
    """The rules in force."""

    digest: str | None
    name: str
    author: str
    origin: str
    since: dt.datetime | None
    problem: str | None
    """What is wrong with them, or with the file that they come from."""
    note: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"since": self.since.isoformat(timespec="seconds") if self.since else None}


@dataclass(frozen=True, slots=True)
class Rejudging:
    """What is judged anew since rules, scanners or data changed last."""

    total: int
    done: int
    over: bool
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class State:
    """All of it, at one moment."""

    at: dt.datetime
    version: str
    scanners: str
    scanner_data: str
    upstream: str
    upstream_mode: str
    upstream_down_since: dt.datetime | None
    """None while it answers, or is not asked at all."""
    rules: RulesState
    rejudging: Rejudging | None
    work: Backlog
    store: StoreSize
    record: int
    """Rows of it."""
    verified: Checked | None
    """How it ended when the record was last verified as a whole; None if it never was."""
    sealed_at: dt.datetime | None
    """Of the newest seal."""
    alarms: tuple[Alarm, ...]

    @property
    def level(self) -> Level:
        """The worst of the alarms."""
        levels = {alarm.level for alarm in self.alarms}
        return next((one for one in (Level.BAD, Level.WARNING) if one in levels), Level.WELL)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "at": self.at.isoformat(timespec="seconds"),
            "level": self.level.value,
            "rules": self.rules.as_json(),
            "rejudging": self.rejudging.as_json() if self.rejudging else None,
            "work": self.work.as_json(),
            "store": self.store.as_json(),
            "upstream_down_since": _told(self.upstream_down_since),
            "verified": self.verified.as_json() if self.verified else None,
            "sealed_at": _told(self.sealed_at),
            "alarms": [alarm.as_json() for alarm in self.alarms],
        }


def state_of(settings: Settings, database: Database, sizes: Sizes, at: dt.datetime) -> State:
    """Asks the database and the disk."""
    store = sizes.get()
    with database.read() as session:
        rules = _rules(session, settings, database)
        work = underway.backlog(session)
        head = session.get(AuditHeadRow, 1)
        rejudging = _rejudging(session)
        down_since = upstream_down_since(session) if settings.upstream_mode is not UpstreamMode.OFFLINE else None
        verified, seal = last_checked(session), newest_seal(session)
        unverified = unverified_since(session, verified)
        late = unverified is not None and unverified < at - _LATE
    alarms = [*_alarms(rules, work, store), *_of_upstream(down_since), *_of_record(verified, late=late)]
    return State(
        at=at,
        version=program_version(),
        scanners=SCANNER_VERSION,
        scanner_data=data_version(),
        upstream=settings.upstream,
        upstream_mode=settings.upstream_mode.value,
        upstream_down_since=down_since,
        rules=rules,
        rejudging=rejudging,
        work=work,
        store=store,
        record=head.seq if head is not None else 0,
        verified=verified,
        sealed_at=seal.at if seal is not None else None,
        alarms=tuple(alarms),
    )


def _rules(session: Session, settings: Settings, database: Database) -> RulesState:
    change = rule_sets.last_change(session)
    standing = watch.standing(session, settings, database)
    return RulesState(
        digest=change.digest if change else None,
        name=change.name if change else "",
        author=change.author if change else "",
        origin=change.origin if change else "",
        since=change.at if change else None,
        problem=standing.problem,
        note=standing.note,
    )


def _rejudging(session: Session) -> Rejudging | None:
    row = rejudgement.newest(session)
    if row is None or row.total == 0:
        return None
    return Rejudging(row.total, row.done, row.ended_at is not None, rejudgement.summary(row))


def _alarms(rules: RulesState, work: Backlog, store: StoreSize) -> list[Alarm]:
    found = []
    if rules.problem is not None:
        level = Level.BAD if rules.digest is None else Level.WARNING
        found.append(Alarm(level, "rules", rules.problem))
    if work.idle:
        sentence = f"{work.waiting} pieces of work wait and no worker takes them: see that `curator worker` runs"
        found.append(Alarm(Level.BAD, "work", sentence))
    if store.full:
        sentence = "The store's disk is full to its reserve, so nothing new can be brought in: make room"
        found.append(Alarm(Level.BAD, "store", sentence))
    elif store.free < 2 * store.reserve or store.free < store.disk // 50:
        found.append(Alarm(Level.WARNING, "store", "The store's disk is nearly full: make room"))
    return found


def _of_upstream(down_since: dt.datetime | None) -> list[Alarm]:
    if down_since is None:
        return []
    sentence = (
        f"The Hub has not answered since {down_since:%Y-%m-%d %H:%M} UTC: what is in the cache is served, and nothing "
        "else; see that the mirror reaches CURATOR_UPSTREAM"
    )
    return [Alarm(Level.BAD, "upstream", sentence)]


def _of_record(verified: Checked | None, *, late: bool) -> list[Alarm]:
    if verified is not None and verified.problems:
        sentence = f"{verified.sentence}, as of {verified.at:%Y-%m-%d}: `curator audit verify` says which rows"
        return [Alarm(Level.BAD, "record", sentence)]
    if late:
        when = f"since {verified.at:%Y-%m-%d}" if verified is not None else "yet"
        sentence = f"The record was not verified {when}, which a server does each day: try `curator audit verify`"
        return [Alarm(Level.WARNING, "record", sentence)]
    return []


def _told(at: dt.datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None

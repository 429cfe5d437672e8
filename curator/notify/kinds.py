"""The kinds of notices: stable names that receivers rely on, in the order in which people choose among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from curator.people.roles import Permission


class NoticeType(StrEnum):
    HELD = "model.held"
    BLOCKED = "model.blocked"
    RELEASED = "model.released"
    REVERSED = "decision.reversed"
    ASKED = "exception.asked"
    DECIDED = "exception.decided"
    ENDING = "exception.ending"
    OVER = "request.over"
    """A request ended without an answer."""
    RUNS_OUT = "request.ending"
    """What somebody asked for and was given is about to end."""
    RULES = "rules.changed"
    SCANNERS = "scanners.changed"
    UPSTREAM_DOWN = "upstream.down"
    UPSTREAM_BACK = "upstream.back"
    DISK_LOW = "disk.low"
    DISK_ENOUGH = "disk.enough"
    SERVICE_STUCK = "service.stuck"
    SERVICE_WORKS = "service.works"
    RECORD_BROKEN = "record.broken"
    RECORD_WHOLE = "record.whole"
    WEBHOOK_FAILING = "webhook.failing"
    WEBHOOK_DISABLED = "webhook.disabled"
    TEST = "test"
    """Somebody tries a webhook or his mail; nobody subscribes to it."""
    DIGEST = "digest"
    """What had collected for one person; nobody subscribes to it."""


class Way(StrEnum):
    """How a person is told of a type of notice; each has what the ones before it have."""

    OFF = "off"
    INBOX = "inbox"
    DIGEST = "digest"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Subject:
    """What one chooses about as one: types that belong together."""

    key: str
    title: str
    """As a form says it."""
    types: tuple[NoticeType, ...]
    permission: Permission
    """Who may be told at all."""


SUBJECTS = (
    Subject(
        "decided",
        "An exception I asked for is decided, ends, or is about to end",
        (NoticeType.DECIDED, NoticeType.OVER, NoticeType.RUNS_OUT),
        Permission.ASK,
    ),
    Subject("reversed", "What was allowed is not any more", (NoticeType.REVERSED,), Permission.SEE_CATALOG),
    Subject("held", "A commit is held", (NoticeType.HELD,), Permission.SEE_CATALOG),
    Subject("blocked", "A commit is blocked", (NoticeType.BLOCKED,), Permission.SEE_CATALOG),
    Subject("released", "What was held or blocked is released", (NoticeType.RELEASED,), Permission.SEE_CATALOG),
    Subject("asked", "Somebody asks for an exception", (NoticeType.ASKED,), Permission.SEE_ALL),
    Subject("ending", "A waiver or an approval is about to end", (NoticeType.ENDING,), Permission.SEE_ALL),
    Subject("rules", "The rules have changed", (NoticeType.RULES,), Permission.SEE_CATALOG),
    Subject("scanners", "Scanners or their data have changed", (NoticeType.SCANNERS,), Permission.SEE_ALL),
    Subject(
        "upstream",
        "The upstream is down, or back",
        (NoticeType.UPSTREAM_DOWN, NoticeType.UPSTREAM_BACK),
        Permission.SEE_CATALOG,
    ),
    Subject(
        "service",
        "The service needs somebody: a disk, its workers, a webhook",
        (
            NoticeType.DISK_LOW,
            NoticeType.DISK_ENOUGH,
            NoticeType.SERVICE_STUCK,
            NoticeType.SERVICE_WORKS,
            NoticeType.WEBHOOK_FAILING,
            NoticeType.WEBHOOK_DISABLED,
        ),
        Permission.SEE_SETTINGS,
    ),
    Subject(
        "record",
        "The record is not as it was written",
        (NoticeType.RECORD_BROKEN, NoticeType.RECORD_WHOLE),
        Permission.READ_RECORD,
    ),
)
SUBJECT_OF: Mapping[NoticeType, Subject] = MappingProxyType(
    {kind: subject for subject in SUBJECTS for kind in subject.types}
)
SUBSCRIBED = tuple(SUBJECT_OF)
"""Those that a webhook may ask for."""

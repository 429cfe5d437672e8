"""The mailbox of a team: what concerns its requests and what it uses, for whoever reads mail there.

To notices a mailbox is one more reader, named `team:NAME`, with no inbox of the console.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import UseRow
from curator.database.engine import now
from curator.errors import BadInput, CuratorError
from curator.notify.choices import BadChoice, Choices, Person, check_rhythm
from curator.notify.kinds import SUBJECTS, Subject, Way
from curator.notify.mail import is_mailbox
from curator.notify.tables import MailboxRow, WebhookRow
from curator.people.roles import Role
from curator.people.tables import TeamRow
from curator.people.teams import find_team
from curator.review.tables import RequestRow
from curator.types import RepoKind

MARK = "team:"
_KINDS = [kind.value for kind in RepoKind]
_KEYS = ("asked", "decided", "reversed", "held", "blocked", "released")
MAILBOX_SUBJECTS: Sequence[Subject] = tuple(one for one in SUBJECTS if one.key in _KEYS)
"""What a team may be told of."""
MAILBOX_WAYS = (Way.OFF, Way.DIGEST, Way.NOW)
USUAL: Mapping[str, Way] = {
    "asked": Way.DIGEST,
    "decided": Way.NOW,
    "reversed": Way.NOW,
    "held": Way.DIGEST,
    "blocked": Way.DIGEST,
    "released": Way.DIGEST,
}


class NoMailbox(CuratorError):
    """A team has none."""

    status = 404


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where a team is told of what concerns it, and of what."""

    team: str
    address: str
    choices: Choices
    changed_at: dt.datetime
    changed_by: str

    @property
    def reader(self) -> Person:
        return Person(
            f"{MARK}{self.team}",
            f"{MARK}{self.team}",
            self.address,
            Role.DEVELOPER,
            frozenset({self.team}),
            chosen=self.choices,
        )

    def as_json(self) -> dict[str, Any]:
        ways = self.choices.ways
        return {
            "team": self.team,
            "address": self.address,
            "ways": {one.key: ways.get(one.key, Way.OFF).value for one in MAILBOX_SUBJECTS},
            "rhythm": self.choices.rhythm,
            "hour": self.choices.hour,
            "utc_offset": self.choices.utc_offset,
            "changed_at": self.changed_at.isoformat(timespec="seconds"),
            "changed_by": self.changed_by,
        }


def keep(session: Session, team: str, address: str, wanted: Choices, by: str) -> Mailbox:
    """Give a team a mailbox, or another. Raises `NoSuchName`, `BadInput` and `BadChoice`."""
    if find_team(session, team).ended_at is not None:
        raise BadInput(f"The team {team!r} has ended: name one that `curator team list` shows")
    if not is_mailbox(address):
        raise BadInput(f"{address[:80]!a} is not the address of a mailbox: write it as name@company.example")
    keys = [one.key for one in MAILBOX_SUBJECTS]
    stray = next((key for key in wanted.ways if key not in keys), None)
    if stray is not None:
        raise BadChoice(f"A team is not told of {stray[:40]!a}: choose among {', '.join(keys)}")
    if any(way not in MAILBOX_WAYS for way in wanted.ways.values()):
        raise BadChoice("A mailbox is told at once, in a digest, or not at all: it has no inbox in the console")
    check_rhythm(wanted)
    session.merge(
        MailboxRow(
            team=team,
            address=address,
            choices=json.dumps({key: way.value for key, way in wanted.ways.items()}),
            rhythm=wanted.rhythm,
            hour=wanted.hour,
            utc_offset=wanted.utc_offset,
            changed_at=now(),
            changed_by=by,
        )
    )
    _record(session, team, by, "mailbox", f"The team {team} is told by mail to {address}")
    session.flush()
    return _mailbox(session.get_one(MailboxRow, team))


def end(session: Session, team: str, by: str) -> Mailbox:
    """Nothing is sent there any more. Raises `NoSuchName` and `NoMailbox`."""
    kept = find(session, team)
    session.delete(session.get_one(MailboxRow, team))
    _record(session, team, by, "mailbox-ended", f"The team {team} is not told by mail any more; it was {kept.address}")
    session.flush()
    return kept


def find(session: Session, team: str) -> Mailbox:
    """Raises `NoSuchName` and `NoMailbox`."""
    found = mailbox_of(session, find_team(session, team).name)
    if found is None:
        raise NoMailbox(f"The team {team!r} has no mailbox: `curator notify mailbox {team} ADDRESS` gives it one")
    return found


def mailbox_of(session: Session, team: str) -> Mailbox | None:
    row = session.get(MailboxRow, team)
    return _mailbox(row) if row is not None else None


def reader(session: Session, reader_id: str) -> Person | None:
    """The mailbox of a team that has not ended, as notices know it."""
    return readers(session, [reader_id]).get(reader_id)


def readers(session: Session, reader_ids: Collection[str] | None = None) -> dict[str, Person]:
    """Those of these ids, or all there are."""
    wanted = (
        select(MailboxRow).join(TeamRow, col(TeamRow.name) == MailboxRow.team).where(col(TeamRow.ended_at).is_(None))
    )
    if reader_ids is not None:
        teams = [one.removeprefix(MARK) for one in reader_ids if one.startswith(MARK)]
        if not teams:
            return {}
        wanted = wanted.where(col(MailboxRow.team).in_(teams))
    found = (_mailbox(row).reader for row in session.exec(wanted.order_by(col(MailboxRow.team))))
    return {one.id: one for one in found}


def is_told(session: Session, team: str) -> bool:
    """Whether anything is there that takes what concerns a team: its mailbox, or a webhook of its own."""
    if not team:
        return False
    hook = select(WebhookRow.id).where(WebhookRow.team == team, col(WebhookRow.ended_at).is_(None)).limit(1)
    return reader(session, f"{MARK}{team}") is not None or session.exec(hook).first() is not None


def concerned(session: Session, teams: Collection[str], repos: Collection[str]) -> frozenset[str]:
    """Those of these teams that asked for one of the repositories, or were given files of it."""
    if not teams or not repos:
        return frozenset()
    asked = select(RequestRow.team).where(
        col(RequestRow.kind).in_(_KINDS), col(RequestRow.repo).in_(repos), col(RequestRow.team).in_(teams)
    )
    given = select(UseRow.team).where(
        col(UseRow.kind).in_(_KINDS), col(UseRow.repo).in_(repos), col(UseRow.team).in_(teams)
    )
    return frozenset(session.exec(asked.distinct())) | frozenset(session.exec(given.distinct()))


def _mailbox(row: MailboxRow) -> Mailbox:
    ways = {key: Way(way) for key, way in json.loads(row.choices).items()}
    choices = Choices(ways=ways, about="asked", rhythm=row.rhythm, hour=row.hour, utc_offset=row.utc_offset)
    return Mailbox(row.team, row.address, choices, row.changed_at, row.changed_by)


def _record(session: Session, team: str, by: str, outcome: str, sentence: str) -> None:
    append(
        session,
        AuditEvent(
            action=Action.NOTIFY,
            actor=by,
            team=team,
            kind=None,
            repo="",
            outcome=outcome,
            subject=team,
            sentence=sentence,
        ),
    )

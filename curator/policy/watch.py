"""See that the rules of a file or a git folder are in force, and that wrong ones change nothing.

What counts is that the source *changes*: a server publishes what its source says once, and not again until it says
something else. So a server with an older file does not take back what another one has published, and a rollback holds
until somebody changes the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import signal
import socket
from dataclasses import dataclass

from sqlmodel import Session

from curator.database.engine import Database, now
from curator.policy import rule_sets
from curator.policy.in_force import NOTHING_ALLOWED, NothingInForce, policy_in_force
from curator.policy.sources import Draft, RuleSource, SourceProblem
from curator.policy.tables import RuleSourceRow
from curator.queue.celery import Sender
from curator.queue.work import Work
from curator.settings import Settings
from rules.model import Policy, PolicyError, parse_policy, starter_policy

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the rules are as they ought to be, on one server."""

    allowed: bool
    """Whether there are rules that can allow anything."""
    problem: str | None
    """What is wrong with them, in words."""
    note: str | None
    """What is as it ought to be, and yet to be known."""


class RuleWatch:
    """Looks at the source of one server."""

    def __init__(self, settings: Settings, database: Database) -> None:
        assert settings.rules is not None
        self._source = RuleSource(settings.rules.absolute(), settings.rules_path)
        self._id = source_id(settings, database)
        self._database = database
        self._seen: str | None = None
        self._dealt_with: str | None = None

    async def follow(self, sender: Sender) -> None:
        """Look every second, and at once on SIGHUP, until cancelled."""
        soon, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, soon.set)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(soon.wait(), _LOOK_EVERY_S)
                soon.clear()
                try:
                    sender.send(await asyncio.to_thread(self.look))
                except Exception:
                    # A database that is away for a moment must not end this; the rules in force stay so.
                    log.exception("the rules could not be looked at")
        finally:
            loop.remove_signal_handler(signal.SIGHUP)

    def look(self, *, at_start: bool = False) -> list[Work]:
        """Publish what is new and right; keep in mind, and in the log, what is wrong. Returns what the broker is to be
        told."""
        draft, problem = None, None
        try:
            draft = self._source.read()
        except SourceProblem as error:
            problem = str(error)
        mark = hashlib.sha256(draft.text.encode()).hexdigest() if draft is not None else f"unread: {problem}"
        # A file may be seen half written, or in the moment that it is replaced; and half the rules are rules, too. So
        # it must be the same twice.
        settled = at_start or self._seen == mark
        self._seen = mark
        return self._deal(mark, draft, problem) if settled else []

    def _deal(self, mark: str, draft: Draft | None, problem: str | None) -> list[Work]:
        if mark == self._dealt_with:
            return []
        policy: Policy | None = None
        if draft is not None:
            try:
                policy = parse_policy(draft.text, draft.origin)
            except PolicyError as error:
                problem = str(error)
            except Exception as error:
                # Whatever it was: no rules must take the server down.
                log.exception("%s cannot be read", draft.origin)
                problem = f"{draft.origin}:1:1: the mirror failed inside when it read this ({type(error).__name__})"
        works: list[Work] = []
        with self._database.write() as session:
            row = session.get(RuleSourceRow, self._id)
            if draft is not None and policy is not None and _is_news(session, row, policy.digest):
                done = rule_sets.publish(session, policy, author=draft.author, reason=draft.reason, origin=draft.origin)
                works = done[1] if done else []
            row = row or RuleSourceRow(id=self._id, digest="", at=now())
            row.problem, row.at = problem, now()
            if draft is not None:
                row.digest = mark
            session.add(row)
        self._dealt_with = mark
        if problem is not None:
            log.error("the rules cannot be used, and those in force before stay so:\n%s", problem)
        elif works:
            log.warning("the rules of %s are in force (%s)", draft.origin if draft else "", mark[:12])
        return works


def begin(settings: Settings, database: Database) -> None:
    """At the start of a server: the rules of its source, else those that were published, else the starter pack."""
    if settings.rules is not None:
        RuleWatch(settings, database).look(at_start=True)
        return
    with database.write() as session:
        last = rule_sets.last_change(session)
        if last is None or last.origin == rule_sets.STARTER:
            reason = "the organisation has no rules of its own yet"
            rule_sets.publish(session, starter_policy(), author="curator", reason=reason, origin=rule_sets.STARTER)


def standing(session: Session, settings: Settings, database: Database) -> Standing:
    """How the rules stand."""
    problem: str | None = None
    note: str | None = None
    allowed = True
    digest = rule_sets.in_force(session)
    try:
        policy_in_force(session)
    except NothingInForce as error:
        allowed, problem = False, error.sentence
    row = session.get(RuleSourceRow, source_id(settings, database)) if settings.rules is not None else None
    if row is not None and row.problem is not None:
        problem = f"{NOTHING_ALLOWED}: {row.problem}" if not allowed else row.problem
    elif row is not None and digest is not None and row.digest != digest:
        note = (
            f"{settings.rules} has other rules ({row.digest[:12]}) than those in force ({digest[:12]}): they come into "
            "force when they change"
        )
    return Standing(allowed, problem, note)


def source_id(settings: Settings, database: Database) -> str:
    """Whose file it is and where; a database that is a file is one machine's, whatever that calls itself today."""
    place = str(settings.rules.absolute()) if settings.rules is not None else ""
    return place if database.engine.dialect.name == "sqlite" else f"{socket.gethostname()}:{place}"


def _is_news(session: Session, row: RuleSourceRow | None, digest: str) -> bool:
    """Whether the source says something that it did not say before."""
    if row is not None and row.digest:
        return row.digest != digest
    # A server that comes for the first time with rules that were in force once brings an old file along.
    return rule_sets.in_force(session) is None or not rule_sets.was_published(session, digest)

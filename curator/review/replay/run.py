"""The replay as a whole: one process hands out the decisions, others try them, and what they count is added up."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from sqlmodel import Session

from curator.database.engine import Database, now
from curator.errors import CuratorError
from curator.policy import lists, rule_sets, waivers
from curator.policy.word import BadWord, Said
from curator.review.replay import cases
from curator.review.replay.cases import Case
from curator.review.replay.report import Shown, document
from curator.review.replay.tally import Tally
from curator.review.replay.trial import Setup
from rules.circumstances import ListEntry, Waiver
from rules.document import MOST_LETTERS
from rules.model import Policy, PolicyError, parse_policy

PROCESSES = 2
LONGEST_SOURCE = MOST_LETTERS
"""Characters of a file of rules."""
_MOST_S = 900.0
_LONGEST_DECISION = dt.timedelta(days=400)


class ReplayFailed(CuratorError):
    """A replay that could not be brought to its end."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be replayed."""

    source: str
    """The draft, as YAML."""
    days: float = 30.0
    catalogue: bool = False
    """Whether the newest decision about each commit is tried, instead of what was asked for."""
    against: str | None = None
    """The first digits of the digest of rules that were in force before; None: what was decided at the time."""


def replay(
    database: Database, wanted: Wanted, processes: int = PROCESSES, progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """JSON: what the draft would have done; `progress` is told of how many decisions that is known, and may end it all
    by raising.

    Raises `BadWord` for a draft that cannot be used, what `rule_sets.find` does, and `ReplayFailed`.
    """
    began, moment = time.monotonic(), now()
    draft = read_draft(wanted.source)
    since = moment - dt.timedelta(days=wanted.days)
    with database.read() as session:
        base = rule_sets.parsed(rule_sets.find(session, wanted.against)) if wanted.against is not None else None
        setup = Setup(
            database.engine.url.render_as_string(hide_password=False),
            wanted.source,
            base.source if base is not None else None,
            *_words(session, None if wanted.catalogue else since, moment),
        )
        connection = session.connection()
        undecided = 0 if wanted.catalogue else cases.without_a_decision(connection, since)
        batches = cases.of_catalogue(connection) if wanted.catalogue else cases.of_requests(connection, since)
        tally = _tried(batches, setup, processes, began + _MOST_S, progress or (lambda _: None))
    shown = Shown(draft, base, wanted.catalogue, wanted.days, since, moment, undecided, time.monotonic() - began)
    return document(tally, shown)


def _words(
    session: Session, since: dt.datetime | None, moment: dt.datetime
) -> tuple[tuple[Said[Waiver], ...], tuple[Said[ListEntry], ...]]:
    """What people had decided when each request was made; of the catalogue (`since` is None) what they have by now."""
    if since is not None:
        # A request may have been answered by a decision of long before.
        since -= _LONGEST_DECISION
        return waivers.held_since(session, since), lists.held_since(session, since)
    always = dt.datetime.min.replace(tzinfo=dt.UTC)
    return (
        tuple(Said(one, always, one.expires_at) for one in waivers.active(session, moment)),
        tuple(Said(one, always, one.expires_at) for one in lists.active(session, moment)),
    )


def read_draft(source: str) -> Policy:
    """The rules, if they can be used. Raises `BadWord` with the first thing that is wrong with them."""
    if len(source) > LONGEST_SOURCE:
        raise BadWord(f"The draft has {len(source)} characters, and {LONGEST_SOURCE} are the most")
    try:
        return parse_policy(source, "the draft")
    except PolicyError as error:
        more = len(error.problems) - 1
        raise BadWord(f"{error.problems[0]}" + (f" (and {more} more)" if more else "")) from None


def _tried(
    batches: Iterator[list[Case]], setup: Setup, processes: int, ends: float, progress: Callable[[int], None]
) -> Tally:
    """Have the batches tried, each by whichever process is free."""
    whole, lock, errors = Tally(), threading.Lock(), list[BaseException]()

    def work() -> None:
        try:
            with _Child(setup) as child:
                while not errors and time.monotonic() < ends:
                    with lock:
                        batch = next(batches, None)
                    if batch is None:
                        return
                    tally = child.ask(batch)
                    with lock:
                        whole.add(tally)
                        progress(whole.decisions)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, name=f"replay {number}", daemon=True) for number in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    if time.monotonic() >= ends:
        raise ReplayFailed(f"The replay was ended after {_MOST_S:.0f} s: name fewer days")
    return whole


class _Child:
    """One process that tries decisions."""

    def __init__(self, setup: Setup) -> None:
        # Whatever this process was started as, the child finds the same code.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "curator.review.replay.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._send(setup)

    def ask(self, batch: list[Case]) -> Tally:
        self._send(batch)
        try:
            tally = pickle.load(self._from)  # noqa: S301 - from a process that this one started
        except EOFError:
            raise self._died() from None
        assert isinstance(tally, Tally)
        return tally

    def _send(self, what: object) -> None:
        try:
            pickle.dump(what, self._to)
            self._to.flush()
        except BrokenPipeError:
            raise self._died() from None

    def _died(self) -> ReplayFailed:
        return ReplayFailed(
            f"A process of the replay ended with {self._process.wait()}: nothing was changed, and the log says why"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._to.close()
        self._process.kill()
        self._process.wait()
        self._from.close()

"""What would be given if somebody asked now, for many repositories at once: the question of a build before it begins.

Nothing of a file is fetched for whoever asks; a commit that is not known yet is scanned, as for any other request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from curator.admission import snapshots
from curator.admission.choose import Choice, Chooser
from curator.admission.gate import StillJudged
from curator.admission.kinds import check_kind
from curator.database.engine import Database
from curator.errors import CuratorError, EntryNotFound, RepoNotFound, RevisionNotFound
from curator.policy import rule_sets
from curator.settings import Settings
from curator.types import Commit, RepoId, Revision
from rules.circumstances import Audience
from rules.evaluate import Outcome

MOST_AT_ONCE = 32
"""Repositories that one inquiry asks the upstream about at the same time."""
_MOST_ROUNDS = 4
"""Changes of rules that one inquiry follows."""


class Answer(StrEnum):
    """What a build would meet with."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    HELD = "held"
    """Somebody has to look at it."""
    SCANNING = "scanning"
    """There is no decision yet; there will be one."""
    NOT_FOUND = "not-found"
    """The upstream has no such repository, revision or file, or hides it from this mirror."""
    NOT_JUDGED = "not-judged"
    """There is no decision, and there will be none until something is mended: `sentence` says what."""


@dataclass(frozen=True, slots=True)
class Question:
    """One repository at a revision, or one file of it."""

    repo: RepoId
    revision: Revision
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one question."""

    question: Question
    answer: Answer
    sentence: str = ""
    """Why it is not allowed; empty if it is."""
    commit: Commit | None = None
    """The commit that would be given, or that is in question."""
    choice: Choice | None = None
    """With the decision; None if there is none."""
    scanned: int = 0
    total: int = 0
    """Files, while they are scanned; 0 before they are listed."""


class Inquirer:
    """Asks what holds at the moment, for nobody's session."""

    def __init__(self, settings: Settings, database: Database, chooser: Chooser) -> None:
        self._settings = settings
        self._database = database
        self._chooser = chooser

    async def inquire(self, questions: Sequence[Question], wait_s: float, audience: Audience) -> list[Verdict]:
        """The answers, in the order of the questions; who is still scanned after `wait_s` seconds is said to be."""
        ends = time.monotonic() + wait_s
        turns = asyncio.Semaphore(MOST_AT_ONCE)

        async def answer(question: Question, until: float) -> Verdict:
            async with turns:
                return await self._answer(question, max(until - time.monotonic(), 0.0), audience)

        # First each is asked for without waiting, so that all are being scanned while the first is waited for.
        verdicts = await asyncio.gather(*(answer(question, 0.0) for question in questions))

        async def later(verdict: Verdict, rule_set: str | None) -> Verdict:
            scanning = verdict.answer is Answer.SCANNING and time.monotonic() < ends
            overtaken = verdict.choice is not None and verdict.choice.ruling.rule_set != rule_set
            return await answer(verdict.question, ends) if scanning or overtaken else verdict

        for _ in range(_MOST_ROUNDS):
            # What was decided under rules that are not in force any more vouches for nothing.
            rule_set = await asyncio.to_thread(self._rule_set)
            again = await asyncio.gather(*(later(verdict, rule_set) for verdict in verdicts))
            if all(one is other for one, other in zip(again, verdicts, strict=True)):
                break
            verdicts = again
        return verdicts

    def _rule_set(self) -> str | None:
        with self._database.read() as session:
            return rule_sets.in_force(session)

    async def _answer(self, question: Question, wait_s: float, audience: Audience) -> Verdict:
        try:
            check_kind(self._settings, question.repo.kind)
            choice = await self._chooser.choose(None, question.repo, question.revision, wait_s, audience)
        except StillJudged as state:
            said = f"{state.commit} is still being scanned: {state}"
            return Verdict(question, Answer.SCANNING, said, state.commit, None, state.scanned, state.total)
        except (RepoNotFound, RevisionNotFound, EntryNotFound) as error:
            return Verdict(question, Answer.NOT_FOUND, error.sentence)
        except CuratorError as error:
            return Verdict(question, Answer.NOT_JUDGED, error.sentence)
        commit, ruling = choice.snapshot.commit, choice.ruling
        if not choice.allowed:
            blocked = ruling.outcome is Outcome.BLOCK
            verb = "blocked" if blocked else "held for review"
            said = f"{commit} is {verb} by the rule {ruling.rules[0]}: {ruling.sentence}"
            return Verdict(question, Answer.BLOCKED if blocked else Answer.HELD, said, commit, choice)
        if question.path is not None:
            return await self._of_file(question, question.path, choice)
        return Verdict(question, Answer.ALLOWED, "", commit, choice)

    async def _of_file(self, question: Question, path: str, choice: Choice) -> Verdict:
        """A repository may be allowed and the one file that is wanted of it not."""
        commit, reason = choice.snapshot.commit, choice.ruling.excluded.get(path)
        if reason is not None:
            said = f"{path} of {commit} is left out by the rule {reason.rule}: {reason.message}"
            return Verdict(question, Answer.BLOCKED, said, commit, choice)
        if not await asyncio.to_thread(self._has, choice, path):
            return Verdict(question, Answer.NOT_FOUND, f"{commit} has no file or folder {path}", commit, choice)
        return Verdict(question, Answer.ALLOWED, "", commit, choice)

    def _has(self, choice: Choice, path: str) -> bool:
        with self._database.read() as session:
            entries = snapshots.entries(session, choice.snapshot.id)
        return any(entry.path == path for entry in entries)

"""Answers that hold for everybody until something changes, kept in memory: no database, no thread, no upstream.

What is kept is an answer under a decision that allows it. It is given again only while the database's generation is the
one that it was made in, and to callers who are known and for whom the same decision was made. Where it tells of a
branch, it is given to those who were told the same a moment ago (`admission/branches.py`), and, while the upstream's
word about the branch is fresh, to those who were told nothing yet.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.types import Scope

from curator.admission.branches import asker
from curator.admission.choose import Chooser
from curator.database.engine import now
from curator.database.generation import Generation
from curator.hub.answer import Again, Answer, OfBranch
from curator.hub.sending import Whole, whole_of
from curator.people.caller import Caller
from rules.circumstances import Audience

_MOST_BYTES = 64 << 20
_MOST_CALLERS = 20_000
_OVERHEAD_BYTES = 3_000
_KNOWN_S = 600.0
"""Then he is looked up again, so that it is seen when a token was last used."""
_CONDITIONS = {b"range", b"if-range", b"if-none-match"}

Key = tuple[str, bytes, bytes, str]
"""Method, path and query as they came, and the audience of the decision."""
Generations = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    audience: Audience
    """Whom decisions for him are made for, under the rules in force."""
    shared: str
    """The same as text, made once."""
    until: float
    """By the clock of `time.monotonic`."""


@dataclass(frozen=True, slots=True)
class Hot:
    """An answer that is ready; or, for a file, of which each may want another part, how to make it."""

    whole: Whole | None
    again: Again | None
    caller: Caller


@dataclass(frozen=True, slots=True)
class _Kept:
    whole: Whole | None
    again: Again | None
    branch: OfBranch | None
    until: float
    fresh_until: float
    size: int


class HotAnswers:
    """Belongs to one event loop."""

    def __init__(self, generation: Generation, chooser: Chooser) -> None:
        self._generation = generation
        self._chooser = chooser
        self._seen = generation.current()
        self._answers: OrderedDict[Key, _Kept] = OrderedDict()
        self._callers: dict[bytes, _Known] = {}
        self._bytes = 0

    def now(self) -> Generations:
        """What an answer that is about to be made will have been made in."""
        current = self._generation.current()
        if current != self._seen:
            self._answers.clear()
            self._callers.clear()
            self._bytes, self._seen = 0, current
        return current

    def find(self, scope: Scope) -> Hot | None:
        """The answer to this request, if it is here and this caller may have it from here."""
        self.now()
        authorization, agent, conditional = b"", None, False
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"user-agent":
                agent = value
            elif name in _CONDITIONS:
                conditional = True
        known = self._callers.get(authorization)
        now_s = time.monotonic()
        if known is None or known.until <= now_s:
            return None
        key = (scope["method"], scope["raw_path"], scope["query_string"], known.shared)
        kept = self._answers.get(key)
        if kept is None or kept.until < now_s or (conditional and kept.again is None):
            return None
        caller = known.caller
        if kept.branch is not None:
            address = scope["client"][0] if scope.get("client") else None
            who = asker(caller.token_id, address, agent.decode("latin-1") if agent is not None else None)
            of, fresh = kept.branch, now_s < kept.fresh_until
            if not self._chooser.joins(who, of.repo, of.revision, of.told, known.audience, fresh=fresh):
                return None
        self._answers.move_to_end(key)
        return Hot(kept.whole, kept.again, caller)

    def know(self, authorization: str | None, caller: Caller, audience: Audience, told_in: Generations) -> None:
        """Remember who asks, and whom decisions for him are made for in that generation: until his token ends."""
        left_s = _KNOWN_S if caller.until is None else min(_KNOWN_S, (caller.until - now()).total_seconds())
        if told_in == self.now():
            if len(self._callers) >= _MOST_CALLERS:
                self._callers.clear()
            self._callers[(authorization or "").encode("latin-1")] = _Known(
                caller, audience, str(audience), time.monotonic() + left_s
            )

    def keep(self, scope: Scope, answer: Answer, audience: Audience, made_in: Generations) -> None:
        """Keep an answer for this audience, if it is one that holds for a while."""
        lasting = answer.lasting
        if lasting is None or made_in != self.now():
            return
        if answer.again is None and any(name in _CONDITIONS for name, _ in scope["headers"]):
            return
        key = (scope["method"], scope["raw_path"], scope["query_string"], str(audience))
        now_s, branch = time.monotonic(), lasting.branch
        fresh_until = now_s + (branch.fresh_s if branch is not None else lasting.seconds)
        already = self._answers.get(key)
        if already is not None and fresh_until <= now_s < already.fresh_until:
            # That one is for many, this one for those alone who were told the same.
            return
        body = answer.body if isinstance(answer.body, bytes) else b""
        whole = None if answer.again is not None else whole_of(answer, scope["method"])
        size = len(body) + len(key[1]) + len(key[2]) + _OVERHEAD_BYTES
        self._drop(key)
        self._answers[key] = _Kept(whole, answer.again, branch, now_s + lasting.seconds, fresh_until, size)
        self._bytes += size
        while self._bytes > _MOST_BYTES:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        gone = self._answers.pop(key, None)
        if gone is not None:
            self._bytes -= gone.size

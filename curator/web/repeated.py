"""Requests with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): sent again, they are done once.

A row says that a request is under way *before* it is worked for, and the transaction of its change says in that row
that it was done: either both are there or neither. So, whenever the process dies:
- before the change: nothing was done, and the next who sends it does it, if the first has not ended within a minute. A
  first that was only slow can change nothing any more: its transaction finds the row held by another.
- after the change and before the answer was kept: it is not done again; whoever sends it is told to look.
A request that changed nothing leaves no row: to do it again does no harm. What is shown once (`SHOWN_ONCE`) is kept
nowhere.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import logging
import re
from collections.abc import Mapping

from fastapi.responses import Response
from sqlalchemy import func, update
from sqlmodel import Session, col, delete, select
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from curator.database.engine import ALONG, Database, new_id, now
from curator.errors import BadInput, CuratorError
from curator.people.caller import Caller
from curator.people.mark import MARK
from curator.redaction import has_token
from curator.upkeep import keep_doing
from curator.web.documents import API
from curator.web.errors import error_response
from curator.web.tables import RepeatedRow

log = logging.getLogger(__name__)

SHOWN_ONCE: Mapping[str, str] = {"Cache-Control": "no-store"}
"""Headers of an answer with a secret in it, which is kept nowhere."""
NAME = "curator.repeated"
"""Of a request's run in its ASGI scope, where the guard finds it."""
_KEPT = dt.timedelta(hours=24)
_UNDER_WAY = dt.timedelta(seconds=60)
_LONGEST_ANSWER = 64 << 10
_MOST_KEYS = 5_000
"""Of one caller, in a day."""
_SWEEP_EVERY_S = 600.0
_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WITH_SECRETS = frozenset({f"{API}/account/password", f"{API}/sign-in/pipeline"})
"""Whose bodies have passwords and the like in them: not even a digest of one is kept, by which it could be guessed."""


class KeyInUse(CuratorError):
    """A request with this key is under way, or nobody knows how it ended, or its answer is not kept."""

    status = 409
    exit_code = 3


class KeyOfAnother(CuratorError):
    """The key was used for another request."""

    status = 422


class TooManyKeys(CuratorError):
    """One caller has used more keys than are kept."""

    status = 429
    exit_code = 3


class Again(Exception):
    """The request was done before: here is its answer."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def again(told: Again) -> Response:
    """The same answer, and that it is the same."""
    return Response(told.body, told.status, {"Idempotency-Replayed": "true"}, "application/json")


class Run:
    """One request with a key, while it is worked for."""

    def __init__(self, database: Database, key: str, digest: str) -> None:
        self._database, self._key, self._digest = database, key, digest
        self._holder = new_id()
        self._who: str | None = None
        self._ended = False

    async def begin(self, caller: Caller) -> None:
        """Take the key for whoever asks, who may do it. Raises `Again`, `KeyInUse`, `KeyOfAnother`, `TooManyKeys`.

        Of callers whom nobody knows there is none who could own a key, and nothing that they may change.
        """
        who = caller.user_id or caller.token_id
        if self._who is not None or who is None:
            return
        told = f"{self._digest} {caller.role} {caller.team} {caller.project}"
        self._digest = hashlib.sha256(told.encode()).hexdigest()
        token = ALONG.set(None)
        try:
            await asyncio.to_thread(self._take, who)
        finally:
            ALONG.reset(token)
        self._who = who

    def along(self, session: Session) -> None:
        """Part of each transaction of the request: what it changes, it has done under this key. Raises `KeyInUse`."""
        if self._who is None or self._ended:
            return
        ours = (col(RepeatedRow.who) == self._who, col(RepeatedRow.key) == self._key)
        held = col(RepeatedRow.holder) == self._holder
        done = session.connection().execute(update(RepeatedRow).where(*ours, held).values(changed=True))
        if done.rowcount != 1:
            raise KeyInUse("This request took so long that it was begun anew under its key, and it has changed nothing")

    async def end(self, status: int, headers: Headers, body: bytes | None) -> None:
        """Keep the answer; `body` is None where it is too long to be kept."""
        if self._who is None or self._ended:
            return
        self._ended = True
        secret = "no-store" in headers.get("cache-control", "")
        try:
            text = body.decode() if body is not None and not secret else None
        except UnicodeDecodeError:
            text = None
        # Whatever a route may have forgotten to say: no text of a token is kept.
        kept = None if text is None or MARK in text else text
        try:
            await asyncio.to_thread(self._close, status, kept, asks_again="retry-after" in headers)
        except Exception:
            # What was done is in the row; whoever sends it again is told to look.
            log.exception("the answer to a request with a key could not be kept")

    def _take(self, who: str) -> None:
        moment = now()
        with self._database.write() as session:
            row = session.get(RepeatedRow, (who, self._key))
            if row is not None and row.begun_at <= moment - _KEPT:
                session.delete(row)
                session.flush()
                row = None
            if row is None:
                many = session.exec(select(func.count()).select_from(RepeatedRow).where(RepeatedRow.who == who)).one()
                if many >= _MOST_KEYS:
                    raise TooManyKeys(f"{_MOST_KEYS} keys are kept in a day, and you have used as many: send without")
                row = RepeatedRow(who=who, key=self._key, digest=self._digest, holder=self._holder, begun_at=moment)
            else:
                self._check(row, moment)
                row.holder, row.begun_at = self._holder, moment
            session.add(row)

    def _check(self, row: RepeatedRow, moment: dt.datetime) -> None:
        """That the row may be taken over: the first who had it is gone, and has changed nothing."""
        if row.digest != self._digest:
            raise KeyOfAnother("This Idempotency-Key was used for another request: choose a new one for each")
        began = row.begun_at.isoformat(timespec="seconds")
        if row.ended_at is not None:
            if row.body is not None and row.status is not None:
                raise Again(row.status, row.body)
            raise KeyInUse(
                f"This was done already (begun {began}, answered with {row.status}), and its answer is kept nowhere: "
                "it is shown once only, or is too long"
            )
        if row.begun_at > moment - _UNDER_WAY:
            raise KeyInUse("A request with this Idempotency-Key is under way: send it again in a moment")
        if row.changed:
            raise KeyInUse(
                f"A request with this Idempotency-Key began {began} and changed something, and the server ended before "
                "it could answer: look what is there, and choose a new key for what is left to do"
            )

    def _close(self, status: int, body: str | None, *, asks_again: bool) -> None:
        with self._database.write() as session:
            row = session.get(RepeatedRow, (self._who, self._key))
            if row is None or row.holder != self._holder:
                return
            if not row.changed or asks_again:
                session.delete(row)
                return
            row.ended_at, row.status, row.body = now(), status, body
            session.add(row)


def done_once(app: ASGIApp, database: Database) -> ASGIApp:
    """The same application, whose management API knows keys."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["method"] in _CHANGING and scope["path"].startswith(f"{API}/")
        if not asks or scope["path"].rstrip("/") in WITH_SECRETS:
            await app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == b"idempotency-key"]
        if not given:
            await app(scope, receive, send)
            return
        # The draft has it in quotes (RFC 8941), most clients send it without.
        key = given[0].decode("latin-1").strip('"')
        if len(given) > 1 or not _KEY.fullmatch(key) or has_token(key):
            error = BadInput("An Idempotency-Key is one text of 1 to 255 letters, digits and signs, made up for it")
            await error_response(error)(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return
        await _run(app, Run(database, key, _digest(scope, body)), scope, body, receive, send)

    return watched


async def _run(app: ASGIApp, run: Run, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    given, start, sent = False, dict[str, object](), list[Message]()
    passed, length = False, 0

    async def whole() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def kept(message: Message) -> None:
        """Hold the answer back until it is kept, or too long to be."""
        nonlocal start, passed, length
        if passed:
            await send(message)
            return
        sent.append(message)
        if message["type"] == "http.response.start":
            start = dict(message)
            return
        length += len(message.get("body", b""))
        last = not message.get("more_body", False)
        if last or length > _LONGEST_ANSWER:
            answer = b"".join(one.get("body", b"") for one in sent[1:]) if length <= _LONGEST_ANSWER else None
            await run.end(int(str(start["status"])), Headers(raw=start["headers"]), answer)  # type: ignore[arg-type]
            passed = True
            for one in sent:
                await send(one)

    token = ALONG.set(run.along)
    try:
        await app({**scope, NAME: run}, whole, kept)
    finally:
        ALONG.reset(token)


async def _whole(receive: Receive) -> bytes | None:
    """The body; None if whoever sent it has gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _digest(scope: Scope, body: bytes) -> str:
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), scope["raw_path"], scope["query_string"], body):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()


async def sweep_keys(database: Database) -> None:
    """Forget keys of more than a day ago, until cancelled."""

    def swept() -> float:
        with database.write() as session:
            session.exec(delete(RepeatedRow).where(col(RepeatedRow.begun_at) <= now() - _KEPT))
        return _SWEEP_EVERY_S

    await keep_doing(swept, "old keys of requests cannot be deleted", first_after_s=_SWEEP_EVERY_S)

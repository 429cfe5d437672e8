"""The whole application in this process, spoken to as a server would: every route, without a socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

from fastapi.routing import APIRoute
from pydantic import SecretStr

from curator.app import Mirror
from curator.settings import Settings

Value = TypeVar("Value")
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered; the body only where it is an error's, since some answers have no end."""

    status: int
    body: bytes

    @property
    def sentence(self) -> str:
        try:
            document = json.loads(self.body)
        except ValueError:
            return self.body.decode(errors="replace")
        return str(document.get("error", "")) if isinstance(document, dict) else ""


class Application:
    """One that runs in a thread of its own."""

    def __init__(self, mirror: Mirror, loop: asyncio.AbstractEventLoop) -> None:
        self._mirror, self._loop = mirror, loop

    def routes(self) -> list[APIRoute]:
        """All of the mirror's own. Whatever else would be mounted there is nothing that one knows the guards of."""
        return list(_all(self._mirror._own.routes))

    def ask(self, method: str, path: str, token: str | None = None, body: bytes = b"", kind: str = "") -> Reply:
        """`path` is as in an address, with what is encoded in it."""
        headers = [(b"host", b"mirror.test"), (b"sec-fetch-site", b"same-origin")]
        if kind:
            headers.append((b"content-type", kind.encode()))
        if token is not None:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        return self._run(self._ask(method, path, headers, body))

    async def _ask(self, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Reply:
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("192.0.2.1", 1),
            "server": ("mirror.test", 80),
            "state": {},
        }
        events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.Event().wait()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: Any) -> None:
            await events.put(event)

        task = asyncio.ensure_future(self._mirror(scope, receive, send))
        try:
            start = await self._next(events, task)
            told = b""
            while start["status"] >= 400:
                event = await self._next(events, task)
                told += event.get("body", b"")
                if not event.get("more_body", False):
                    break
            return Reply(start["status"], told)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _next(self, events: asyncio.Queue[dict[str, Any]], task: asyncio.Future[None]) -> dict[str, Any]:
        getting = asyncio.ensure_future(events.get())
        waiting: set[asyncio.Future[Any]] = {getting, task}
        await asyncio.wait(waiting, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done() and task.done():
            task.result()
        return await asyncio.wait_for(getting, 1)

    def _run(self, doing: Awaitable[Value]) -> Value:
        async def run() -> Value:
            return await doing

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE_S)


def _all(routes: Iterable[object]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from _all(router.routes)
        else:
            raise AssertionError(f"{route} is no route that says who may call it")


@contextmanager
def application(settings: Settings) -> Iterator[Application]:
    """Started and stopped as a server does it; the database must have its tables."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    settings = settings.model_copy(update={"broker_url": SecretStr("memory://")})
    mirror = Mirror(settings, watches=False)
    running = Application(mirror, loop)
    life = mirror._lifespan(mirror._own)
    running._run(life.__aenter__())
    try:
        yield running
    finally:
        running._run(life.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

"""How the service is, what happens in it at this moment, and the settings that it runs with."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from curator.database.engine import now
from curator.web.configuration import configuration
from curator.web.documents import API, Answer
from curator.web.guard import Overseer, SettingsViewer
from curator.web.listening import event_stream
from curator.web.service import Service
from curator.web.state import state_of


class AlarmAnswer(Answer):
    """Something that somebody is to do something about."""

    level: str
    topic: str
    sentence: str


class RulesAnswer(Answer):
    """The rules in force."""

    digest: str | None
    name: str
    author: str
    origin: str
    since: str | None
    problem: str | None
    note: str | None


class RejudgingAnswer(Answer):
    """What is judged anew since rules, scanners or data changed last."""

    total: int
    done: int
    over: bool
    sentence: str


class WorkAnswer(Answer):
    """All work that is still to be done."""

    waiting: int
    running: int
    workers: int
    oldest_at: str | None
    idle: bool


class StoreAnswer(Answer):
    """The store and its disk, in bytes."""

    files: int
    bytes: int
    free: int
    disk: int
    reserve: int


class StateAnswer(Answer):
    """How the service is."""

    at: str
    level: str
    version: str
    scanners: str
    scanner_data: str
    upstream: str
    upstream_mode: str
    rules: RulesAnswer
    rejudging: RejudgingAnswer | None
    work: WorkAnswer
    store: StoreAnswer
    record: int
    alarms: list[AlarmAnswer]


class JudgingAnswer(Answer):
    """A commit that somebody waits for."""

    kind: str
    repo: str
    commit: str
    asked_at: str
    audience: str
    stage: str
    scanned: int
    files: int
    now: list[str]


class DownloadAnswer(Answer):
    """A file on its way in from the upstream."""

    blob: str
    kind: str
    repo: str
    path: str
    size: int
    written: int
    bytes_per_s: int
    seconds_left: float | None


class LiveAnswer(Answer):
    """What happens at this moment."""

    at: str
    judging: list[JudgingAnswer]
    work: WorkAnswer
    downloads: list[DownloadAnswer]


class SettingAnswer(Answer):
    """One setting."""

    name: str
    variable: str
    value: str
    default: str
    meaning: str
    origin: str
    where: str
    secret: bool


class ConfigurationAnswer(Answer):
    """All settings as they are in force, and which program it is."""

    settings: list[SettingAnswer]
    versions: dict[str, str]


def state_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(tags=["state"])

    @router.get(f"{API}/state", operation_id="show_state", response_model=StateAnswer)
    async def state(_: SettingsViewer) -> dict[str, Any]:
        """Say how the service is, and what somebody is to do something about."""
        at = now()
        made = await asyncio.to_thread(state_of, service.settings, service.database, service.sizes, at)
        return made.as_json()

    @router.get(f"{API}/settings", operation_id="show_settings", response_model=ConfigurationAnswer)
    async def settings(_: SettingsViewer) -> dict[str, Any]:
        """Show each setting as it is in force, and where it was said."""
        return configuration(service.settings).as_json()

    @router.get(
        f"{API}/live",
        operation_id="show_live",
        response_model=LiveAnswer,
        responses={200: {"content": {"text/event-stream": {}}, "description": "As JSON, or as events that go on."}},
    )
    async def live(request: Request, _: Overseer) -> Any:
        """Show what is judged and what arrives now; as events that go on, for `Accept: text/event-stream`."""
        if "text/event-stream" in request.headers.get("accept", ""):
            return _stream(request)
        return (await service.live.get()).as_json()

    def _stream(request: Request) -> StreamingResponse:
        return event_stream(service.live, request)

    return router

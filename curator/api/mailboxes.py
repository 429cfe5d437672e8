"""The mailbox of a team: shown, set, tried, ended."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from sqlmodel import Session

from curator.api.documents.notices import OneMailbox, Sent, WantedMailbox
from curator.notify import mailboxes, trying
from curator.notify.choices import Choices
from curator.notify.kinds import Way
from curator.web.documents import problems
from curator.web.guard import Notifier, SettingsViewer
from curator.web.service import Service

TeamName = Annotated[str, Path(min_length=1, max_length=64, description="A team.")]
_Json = dict[str, Any]
_PATH = "/teams/{team}/mailbox"


def mailbox_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1", tags=["notices"])
    settings, database = service.settings, service.database

    @router.get(_PATH, operation_id="get_mailbox", response_model=OneMailbox, responses=problems(404))
    async def show_mailbox(team: TeamName, caller: SettingsViewer) -> _Json:
        """Show where a team is told by mail, and of what."""
        del caller

        def run(session: Session) -> mailboxes.Mailbox:
            return mailboxes.find(session, team)

        return {"mailbox": (await database.ask(run)).as_json()}

    @router.put(_PATH, operation_id="set_mailbox", response_model=OneMailbox, responses=problems(404))
    async def set_mailbox(team: TeamName, wanted: WantedMailbox, caller: Notifier) -> _Json:
        """Have a team told by mail of its requests and of what it uses."""
        ways = mailboxes.USUAL if wanted.ways is None else {key: Way(way) for key, way in wanted.ways.items()}
        choices = Choices(ways=ways, rhythm=wanted.rhythm, hour=wanted.hour, utc_offset=wanted.utc_offset)
        kept = await database.change(
            lambda session: mailboxes.keep(session, team, wanted.address, choices, caller.name)
        )
        return {"mailbox": kept.as_json()}

    @router.delete(_PATH, operation_id="end_mailbox", response_model=OneMailbox, responses=problems(404))
    async def end_mailbox(team: TeamName, caller: Notifier) -> _Json:
        """Tell a team by mail no longer."""
        return {"mailbox": (await database.change(lambda session: mailboxes.end(session, team, caller.name))).as_json()}

    @router.post(f"{_PATH}/test", operation_id="test_mailbox", response_model=Sent, responses=problems(404))
    async def test_mailbox(team: TeamName, caller: Notifier) -> _Json:
        """Send a mail there, to see that it arrives."""
        mails = settings.smtp_host is not None
        delivery = await database.change(
            lambda session: trying.try_mailbox(session, team, caller.name, settings.url, mails=mails)
        )
        return {"delivery": delivery}

    return router

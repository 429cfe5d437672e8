"""The mailbox of a team, on a page of its own."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session
from starlette.datastructures import FormData

from curator.console.forms import Form
from curator.console.notices import OFFSETS
from curator.console.people import said
from curator.console.render import done, page
from curator.errors import BadInput, CuratorError
from curator.notify import mailboxes, trying
from curator.notify.choices import Choices
from curator.notify.kinds import Way
from curator.people.caller import Caller
from curator.people.teams import Team, find_team
from curator.web.guard import Notifier
from curator.web.service import Service

_WAYS = ((Way.OFF, "Off"), (Way.DIGEST, "In a digest"), (Way.NOW, "At once"))


def mailbox_pages(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    settings, database = service.settings, service.database
    mails = settings.smtp_host is not None

    @router.get("/-/people/teams/{name}/mailbox")
    async def show(request: Request, caller: Notifier, name: str) -> HTMLResponse:
        return await shown(request, caller, name)

    async def shown(
        request: Request, caller: Caller, name: str, typed: FormData | None = None, wrong: CuratorError | None = None
    ) -> HTMLResponse:
        def verb(session: Session) -> tuple[Team, mailboxes.Mailbox | None]:
            return find_team(session, name), mailboxes.mailbox_of(session, name)

        team, kept = await database.ask(verb)
        choices = kept.choices if kept is not None else Choices(ways=mailboxes.USUAL)
        return page(
            request,
            caller,
            "mailbox.html",
            wrong.status if wrong is not None else 200,
            team=team,
            kept=kept,
            choices=choices,
            address=said(typed, "address") if typed is not None else kept.address if kept is not None else "",
            subjects=mailboxes.MAILBOX_SUBJECTS,
            titles=_TITLES,
            ways=_WAYS,
            offsets=OFFSETS,
            mails=mails,
            wrong=wrong.sentence if wrong is not None else "",
        )

    @router.post("/-/people/teams/{name}/mailbox")
    async def act(request: Request, caller: Notifier, name: str, form: Form) -> Response:
        there, what = f"/-/people/teams/{name}/mailbox", said(form, "what")
        try:
            if what == "end":
                await database.change(lambda session: mailboxes.end(session, name, caller.name))
                return done(request, there, "The team is not told by mail any more.")
            if what == "test":
                await database.change(
                    lambda session: trying.try_mailbox(session, name, caller.name, settings.url, mails=mails)
                )
                return done(request, there, "A test is on its way to the mailbox.")
            choices = _read(form)
            await database.change(
                lambda session: mailboxes.keep(session, name, said(form, "address"), choices, caller.name)
            )
        except CuratorError as error:
            return await shown(request, caller, name, form, error)
        return done(request, there, "It is kept: the team is told so from now on.")

    return router


_TITLES = {
    "asked": "A member asks for an exception",
    "decided": "A request of the team is answered, ends, or what was granted is about to end",
    "reversed": "What the team pulled is not allowed any more",
    "held": "A commit is held of what the team uses or asked for",
    "blocked": "A commit is blocked of what the team uses or asked for",
    "released": "What was held or blocked is released",
}


def _read(form: FormData) -> Choices:
    """Raises `BadInput`."""
    try:
        return Choices(
            ways={
                one.key: Way(said(form, f"way-{one.key}"))
                for one in mailboxes.MAILBOX_SUBJECTS
                if f"way-{one.key}" in form
            },
            rhythm=said(form, "rhythm") or "daily",
            hour=int(said(form, "hour") or "7"),
            utc_offset=int(said(form, "utc_offset") or "0"),
        )
    except ValueError:
        raise BadInput("Something in this form has no meaning: open the page again and choose anew") from None

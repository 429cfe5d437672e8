"""Notices: what I was told, how I am told, and the webhooks of the house."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session
from starlette.datastructures import FormData

from curator.console.forms import Form
from curator.console.render import done, page
from curator.database.engine import now
from curator.errors import CuratorError
from curator.notify import choices as choosing
from curator.notify import inbox, outbox, trying, webhooks
from curator.notify.addresses import Allowed
from curator.notify.kinds import SUBJECTS, SUBSCRIBED, Way
from curator.notify.tables import NoticeChoiceRow, WebhookRow
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.people.tables import UserRow
from curator.upstream.connect import seal_of
from curator.web.guard import Notifier, Owner
from curator.web.parameters import After
from curator.web.service import Service

_PAGE = 50
_HOOK_PAGE = 25
_WAYS = (
    (Way.OFF, "Off"),
    (Way.INBOX, "In the inbox"),
    (Way.DIGEST, "In a digest"),
    (Way.NOW, "At once"),
)
_Id = Annotated[str, Path(min_length=1, max_length=100)]


def notices_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)
    settings, database = service.settings, service.database
    seal, allowed = seal_of(settings), Allowed.parse(settings.webhook_allow)
    mails = settings.smtp_host is not None

    @router.get("/-/notices")
    async def mine(request: Request, caller: Owner, show: str = "", after: After = None) -> HTMLResponse:
        user_id, unread = caller.user_id, show == "unread"

        def verb(session: Session) -> tuple[list[inbox.Received], int]:
            if user_id is None:
                return [], 0
            found = inbox.received(session, user_id, unread=unread, after=after, limit=_PAGE)
            return found, inbox.unread_count(session, user_id)

        found, count = await database.ask(verb)
        return page(
            request,
            caller,
            "notices.html",
            **_tabs(caller, "inbox"),
            notices=found,
            count=count,
            many=inbox.MOST_COUNTED,
            only_unread=unread,
            after=after,
            following=found[-1].id if len(found) == _PAGE else "",
        )

    @router.post("/-/notices/read")
    async def mark(request: Request, caller: Owner, form: Form) -> RedirectResponse:
        user_id = _person(caller)
        ids = [str(one)[:64] for one in form.getlist("id")][:_PAGE]
        every = form.get("all") == "yes"
        count = await database.change(lambda session: inbox.mark_read(session, user_id, None if every else ids))
        return done(request, "/-/notices", f"{count} {'notice is' if count == 1 else 'notices are'} marked as read.")

    @router.get("/-/notices/choices")
    async def show_choices(request: Request, caller: Owner) -> HTMLResponse:
        return await _choices_page(request, caller, None, None)

    @router.post("/-/notices/choices")
    async def choose(request: Request, caller: Owner, form: Form) -> Response:
        user_id = _person(caller)
        try:
            wanted = _read_choices(form)
            await database.change(lambda session: choosing.choose(session, user_id, caller.name, wanted))
        except CuratorError as error:
            return await _choices_page(request, caller, form, error)
        return done(request, "/-/notices/choices", "It is kept: you are told so from now on.")

    @router.post("/-/notices/test")
    async def test_mail(request: Request, caller: Owner, form: Form) -> RedirectResponse:
        del form
        user_id = _person(caller)
        await database.change(lambda session: trying.try_mail(session, user_id, settings.url, mails=mails))
        return done(request, "/-/notices/choices", "A test is on its way to your mailbox.")

    @router.get("/-/notices/webhooks")
    async def hooks(request: Request, caller: Notifier) -> HTMLResponse:
        return await _hooks_page(request, caller, None, None)

    @router.post("/-/notices/webhooks")
    async def make(request: Request, caller: Notifier, form: Form) -> HTMLResponse:
        try:
            wanted = _read_webhook(form)
            row, secret = await asyncio.to_thread(webhooks.make, database, seal, wanted, allowed, caller.name)
        except CuratorError as error:
            return await _hooks_page(request, caller, form, error)
        return page(request, caller, "webhook_secret.html", webhook=row, secret=secret, anew=False)

    @router.get("/-/notices/webhooks/{webhook_id}")
    async def hook(
        request: Request, caller: Notifier, webhook_id: _Id, state: str = "", after: After = None
    ) -> HTMLResponse:
        return await _hook_page(request, caller, webhook_id, state, after)

    async def _hook_page(
        request: Request,
        caller: Caller,
        webhook_id: str,
        state: str = "",
        after: str | None = None,
        form: FormData | None = None,
        error: CuratorError | None = None,
    ) -> HTMLResponse:
        row = await database.ask(lambda session: webhooks.find(session, webhook_id))
        wanted = state if state in {"waiting", "sent", "dead"} else None
        about = _about(row)
        kept = {"name": row.name, "url": "", "format": row.format, "team": row.team, "repos": "\n".join(about["repos"])}
        found = await asyncio.to_thread(
            lambda: outbox.listed(database, webhook_id=row.id, state=wanted, after=after, limit=_HOOK_PAGE)
        )
        return page(
            request,
            caller,
            "webhook.html",
            error.status if error is not None else 200,
            webhook=row,
            about=about,
            given=kept if form is None else {name: str(form.get(name, "")) for name in _FIELDS},
            types=SUBSCRIBED,
            chosen=about["types"] if form is None else form.getlist("types"),
            problem=error.sentence if error is not None else "",
            deliveries=found,
            state=wanted or "",
            after=after,
            following=found[-1].row.id if len(found) == _HOOK_PAGE else "",
            yesterday=(now() - dt.timedelta(days=1)).date().isoformat(),
        )

    @router.post("/-/notices/webhooks/{webhook_id}/{verb}")
    async def act(request: Request, caller: Notifier, webhook_id: _Id, verb: str, form: Form) -> Response:
        row = await database.ask(lambda session: webhooks.find(session, webhook_id))
        there = f"/-/notices/webhooks/{row.id}"
        if verb == "test":
            await database.change(lambda session: trying.try_webhook(session, row.id, caller.name, settings.url))
            return done(request, there, "A test is on its way: open this page again to see what came of it.")
        if verb == "change":
            try:
                wanted = _read_webhook(form, row.url)
                await asyncio.to_thread(webhooks.change, database, row.id, wanted, allowed, caller.name)
            except CuratorError as error:
                return await _hook_page(request, caller, row.id, form=form, error=error)
            return done(request, there, "It is changed: what happens from now on is sent so.")
        if verb == "secret":
            row, secret = await asyncio.to_thread(webhooks.rotate, database, seal, row.id, caller.name)
            return page(request, caller, "webhook_secret.html", webhook=row, secret=secret, anew=True)
        if verb == "enable":
            await asyncio.to_thread(webhooks.enable, database, row.id, caller.name)
            return done(request, there, "It is switched on again.")
        if verb == "end":
            await asyncio.to_thread(webhooks.end, database, row.id, caller.name)
            return done(request, "/-/notices/webhooks", f"The webhook {row.name} is ended.")
        if verb == "replay":
            count = len(await database.change(lambda session: _replay(session, row, form, caller.name)))
            return done(request, there, f"{count} {'notice is' if count == 1 else 'notices are'} on the way once more.")
        raise webhooks.NoSuchWebhook(f"There is nothing called {verb[:40]!a} to be done with a webhook")

    async def _choices_page(
        request: Request, caller: Caller, form: FormData | None, error: CuratorError | None
    ) -> HTMLResponse:
        def verb(session: Session) -> tuple[choosing.Choices, bool, str]:
            user_id = caller.user_id or ""
            user = session.get(UserRow, user_id)
            chosen = session.get(NoticeChoiceRow, user_id) is not None
            return choosing.choices_of(session, user_id, caller.role), chosen, user.email if user is not None else ""

        kept, chosen, address = await database.ask(verb)
        return page(
            request,
            caller,
            "notice_choices.html",
            error.status if error is not None else 200,
            **_tabs(caller, "choices"),
            choices=kept,
            repos="\n".join(kept.repos) if form is None else str(form.get("repos", "")),
            chosen=chosen,
            address=address,
            mails=mails,
            subjects=[one for one in SUBJECTS if caller.may(one.permission)],
            ways=_WAYS,
            offsets=OFFSETS,
            problem=error.sentence if error is not None else "",
        )

    async def _hooks_page(
        request: Request, caller: Caller, form: FormData | None, error: CuratorError | None
    ) -> HTMLResponse:
        rows = await database.ask(webhooks.active)
        given: dict[str, Any] = {name: str(form.get(name, "")) for name in _FIELDS} if form is not None else {}
        return page(
            request,
            caller,
            "webhooks.html",
            error.status if error is not None else 200,
            **_tabs(caller, "webhooks"),
            webhooks=[(row, _about(row)) for row in rows],
            types=SUBSCRIBED,
            given={name: given.get(name, "") for name in _FIELDS},
            chosen=form.getlist("types") if form is not None else [],
            problem=error.sentence if error is not None else "",
        )

    return router


_FIELDS = ("name", "url", "format", "team", "repos")


def _tabs(caller: Caller, here: str) -> dict[str, Any]:
    """What every page of the topic has."""
    items = [("inbox", "/-/notices", "Inbox"), ("choices", "/-/notices/choices", "What I am told")]
    if caller.may(Permission.NOTIFY):
        items.append(("webhooks", "/-/notices/webhooks", "Webhooks"))
    return {"parts_of_it": [(path, title, key == here) for key, path, title in items]}


def _person(caller: Caller) -> str:
    if caller.user_id is None:
        raise trying.NobodyThere("This token belongs to nobody, and only people are told of notices: sign in")
    return caller.user_id


def _read_choices(form: FormData) -> choosing.Choices:
    """Raises `BadChoice`."""
    try:
        return choosing.Choices(
            ways={
                subject.key: Way(str(form[f"way-{subject.key}"]))
                for subject in SUBJECTS
                if f"way-{subject.key}" in form
            },
            about=str(form.get("about", "all")),
            repos=_lines(form, "repos"),
            rhythm=str(form.get("rhythm", "daily")),
            hour=int(str(form.get("hour", "7"))),
            utc_offset=int(str(form.get("utc_offset", "0"))),
        )
    except ValueError:
        raise choosing.BadChoice("Something in this form has no meaning: open the page again and choose anew") from None


def _read_webhook(form: FormData, url: str = "") -> webhooks.Wanted:
    """`url`: where it leads, if nothing else is said; it is shown to nobody."""
    return webhooks.Wanted(
        name=str(form.get("name", "")),
        url=str(form.get("url", "")).strip() or url,
        format=str(form.get("format", "json")),
        types=[str(one) for one in form.getlist("types")],
        repos=_lines(form, "repos"),
        team=str(form.get("team", "")).strip(),
    )


def _lines(form: FormData, name: str) -> tuple[str, ...]:
    return tuple(str(form.get(name, "")).replace(",", " ").split())


def _replay(session: Session, row: WebhookRow, form: FormData, by: str) -> list[str]:
    """One delivery, or what is dead since a day. Raises `BadInput`."""
    delivery = str(form.get("delivery", ""))
    if delivery:
        return [outbox.replay(session, delivery)]
    try:
        since = dt.datetime.fromisoformat(str(form.get("since", ""))).replace(tzinfo=dt.UTC)
    except ValueError:
        raise webhooks.BadWebhook("Say since which day, as 2026-11-26") from None
    return webhooks.replay(session, row.id, since, by, dead_only=form.get("delivered") != "yes")


def _about(row: WebhookRow) -> dict[str, Any]:
    """What a table says of a webhook; of its address the host only, since the rest is a password in many places."""
    document = webhooks.as_json(row)
    return document | {"host": row.url.split("/")[2], "types": json.loads(row.types), "repos": json.loads(row.repos)}


def _offset(minutes: int) -> str:
    return f"UTC{'+' if minutes >= 0 else '-'}{abs(minutes) // 60:02}:00" if minutes else "UTC"


OFFSETS = tuple((str(minutes), _offset(minutes)) for minutes in range(-12 * 60, 14 * 60 + 1, 60))
"""Clocks as a form names them."""

"""Notices: one's own, and how one is told; webhooks, and what was delivered."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from sqlmodel import Session

from curator.api.documents.notices import (
    Choices,
    Deliveries,
    MadeWebhook,
    Notices,
    OneWebhook,
    Read,
    Reading,
    Replay,
    Replayed,
    Sent,
    WantedChoices,
    WantedWebhook,
    Webhooks,
)
from curator.api.words import page_json
from curator.errors import BadInput
from curator.notify import choices as choosing
from curator.notify import inbox, outbox, trying, webhooks
from curator.notify.addresses import Allowed
from curator.notify.kinds import Way
from curator.notify.tables import NoticeChoiceRow, WebhookRow
from curator.people.caller import Caller
from curator.upstream.connect import seal_of
from curator.web.documents import problems
from curator.web.guard import Notifier, Owner
from curator.web.parameters import After, Id, PageSize
from curator.web.service import Service

WebhookId = Annotated[str, Path(min_length=1, max_length=100, description="A webhook, by id or name.")]
_Json = dict[str, Any]


def notice_routes(service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1")
    settings, database = service.settings, service.database
    seal, allowed = seal_of(settings), Allowed.parse(settings.webhook_allow)

    @router.get(
        "/notices", operation_id="list_notices", response_model=Notices, responses=problems(409), tags=["notices"]
    )
    async def list_notices(caller: Owner, unread: bool = False, after: After = None, limit: PageSize = 50) -> _Json:
        """List what whoever asks was told, the newest first."""
        user_id = person_of(caller)

        def verb(session: Session) -> _Json:
            found = inbox.received(session, user_id, unread=unread, after=after, limit=limit + 1)
            page = page_json("notices", [one.as_json() for one in found], limit)
            return page | {"unread": inbox.unread_count(session, user_id)}

        return await database.ask(verb)

    @router.post(
        "/notices/read", operation_id="read_notices", response_model=Read, responses=problems(409), tags=["notices"]
    )
    async def read_notices(wanted: Reading, caller: Owner) -> _Json:
        """Mark notices as read, or all of them."""
        user_id = person_of(caller)
        return {"read": await database.change(lambda session: inbox.mark_read(session, user_id, wanted.ids))}

    @router.get(
        "/notices/choices",
        operation_id="get_notice_choices",
        response_model=Choices,
        responses=problems(409),
        tags=["notices"],
    )
    async def get_choices(caller: Owner) -> _Json:
        """Show how whoever asks is told of what, and whether they chose so."""
        user_id = person_of(caller)
        return await database.ask(lambda session: _choices_json(session, user_id, caller))

    @router.put(
        "/notices/choices",
        operation_id="choose_notices",
        response_model=Choices,
        responses=problems(409),
        tags=["notices"],
    )
    async def choose(wanted: WantedChoices, caller: Owner) -> _Json:
        """Choose how to be told of what."""
        user_id = person_of(caller)
        made = choosing.Choices(
            ways={key: Way(way) for key, way in wanted.ways.items()},
            about=wanted.about,
            repos=tuple(wanted.repos),
            rhythm=wanted.rhythm,
            hour=wanted.hour,
            utc_offset=wanted.utc_offset,
        )

        def verb(session: Session) -> _Json:
            choosing.choose(session, user_id, caller.name, made)
            session.flush()
            return _choices_json(session, user_id, caller)

        return await database.change(verb)

    @router.post(
        "/notices/test",
        operation_id="test_mail",
        response_model=Sent,
        responses=problems(409),
        tags=["notices"],
    )
    async def test_mail(caller: Owner) -> _Json:
        """Send a mail to the own mailbox, to see that it arrives."""
        user_id, mails = person_of(caller), settings.smtp_host is not None
        return {
            "delivery": await database.change(
                lambda session: trying.try_mail(session, user_id, settings.url, mails=mails)
            )
        }

    @router.get("/webhooks", operation_id="list_webhooks", response_model=Webhooks, tags=["webhooks"])
    async def list_webhooks(caller: Notifier) -> _Json:
        """List webhooks by name, without their secrets."""
        del caller
        return {"webhooks": [webhooks.as_json(row) for row in await database.ask(webhooks.active)]}

    @router.post(
        "/webhooks", operation_id="create_webhook", status_code=201, response_model=MadeWebhook, tags=["webhooks"]
    )
    async def make_webhook(wanted: WantedWebhook, caller: Notifier, response: Response) -> _Json:
        """Make a webhook. Its secret is in this answer and nowhere else."""
        made = await asyncio.to_thread(webhooks.make, database, seal, _wanted(wanted), allowed, caller.name)
        return _with_secret(made, response)

    @router.get(
        "/webhooks/{webhook_id}",
        operation_id="get_webhook",
        response_model=OneWebhook,
        responses=problems(404),
        tags=["webhooks"],
    )
    async def show_webhook(webhook_id: WebhookId, caller: Notifier) -> _Json:
        """Show a webhook, without its secret."""
        del caller
        return {"webhook": webhooks.as_json(await database.ask(lambda session: webhooks.find(session, webhook_id)))}

    @router.put(
        "/webhooks/{webhook_id}",
        operation_id="change_webhook",
        response_model=OneWebhook,
        responses=problems(404),
        tags=["webhooks"],
    )
    async def change_webhook(webhook_id: WebhookId, wanted: WantedWebhook, caller: Notifier) -> _Json:
        """Change all of a webhook but its secret; one that was switched off is on again."""
        row = await asyncio.to_thread(webhooks.change, database, webhook_id, _wanted(wanted), allowed, caller.name)
        return {"webhook": webhooks.as_json(row)}

    @router.delete(
        "/webhooks/{webhook_id}",
        operation_id="end_webhook",
        response_model=OneWebhook,
        responses=problems(404),
        tags=["webhooks"],
    )
    async def end_webhook(webhook_id: WebhookId, caller: Notifier) -> _Json:
        """End a webhook: nothing is sent to it any more."""
        row = await asyncio.to_thread(webhooks.end, database, webhook_id, caller.name)
        return {"webhook": webhooks.as_json(row)}

    @router.post(
        "/webhooks/{webhook_id}/enable",
        operation_id="enable_webhook",
        response_model=OneWebhook,
        responses=problems(404),
        tags=["webhooks"],
    )
    async def enable_webhook(webhook_id: WebhookId, caller: Notifier) -> _Json:
        """Switch a webhook on again that was switched off because it took nothing."""
        row = await asyncio.to_thread(webhooks.enable, database, webhook_id, caller.name)
        return {"webhook": webhooks.as_json(row)}

    @router.post(
        "/webhooks/{webhook_id}/secret",
        operation_id="rotate_webhook_secret",
        status_code=201,
        response_model=MadeWebhook,
        responses=problems(404),
        tags=["webhooks"],
    )
    async def rotate(webhook_id: WebhookId, caller: Notifier, response: Response) -> _Json:
        """Make another secret; for a day everything is signed with the old one, too."""
        made = await asyncio.to_thread(webhooks.rotate, database, seal, webhook_id, caller.name)
        return _with_secret(made, response)

    @router.post(
        "/webhooks/{webhook_id}/test",
        operation_id="test_webhook",
        response_model=Sent,
        responses=problems(404),
        tags=["webhooks"],
    )
    async def test_webhook(webhook_id: WebhookId, caller: Notifier) -> _Json:
        """Send a notice of the type `test`."""
        delivery = await database.change(
            lambda session: trying.try_webhook(session, webhook_id, caller.name, settings.url)
        )
        return {"delivery": delivery}

    @router.post(
        "/webhooks/{webhook_id}/replay",
        operation_id="replay_webhook",
        response_model=Replayed,
        responses=problems(404),
        tags=["webhooks"],
    )
    async def replay_webhook(webhook_id: WebhookId, wanted: Replay, caller: Notifier) -> _Json:
        """Send once more what could not be delivered since a moment, and on demand also what was."""
        since = read_since(wanted.since)
        sent = await database.change(
            lambda session: webhooks.replay(session, webhook_id, since, caller.name, dead_only=not wanted.delivered)
        )
        return {"replayed": len(sent)}

    @router.get("/deliveries", operation_id="list_deliveries", response_model=Deliveries, tags=["webhooks"])
    async def list_deliveries(
        caller: Notifier,
        webhook: Annotated[str | None, Query(max_length=64, description="Only to this one, by id.")] = None,
        state: Literal["waiting", "sent", "dead"] | None = None,
        after: After = None,
        limit: PageSize = 50,
    ) -> _Json:
        """List what was delivered, or is on its way, or was given up; the newest first."""
        del caller
        found = await asyncio.to_thread(
            lambda: outbox.listed(database, webhook_id=webhook, state=state, after=after, limit=limit + 1)
        )
        return page_json("deliveries", [one.as_json() for one in found], limit)

    @router.post(
        "/deliveries/{delivery_id}/replay",
        operation_id="replay_delivery",
        response_model=Sent,
        responses=problems(404),
        tags=["webhooks"],
    )
    async def replay_delivery(delivery_id: Id, caller: Notifier) -> _Json:
        """Send a delivery once more, with the same id."""
        del caller
        return {"delivery": await database.change(lambda session: outbox.replay(session, delivery_id))}

    return router


def person_of(caller: Caller) -> str:
    """The id of the person who asks. Raises `NobodyThere`."""
    if caller.user_id is None:
        raise trying.NobodyThere(
            f"{caller.name} is a token that belongs to nobody, and only people are told of notices: sign in, or use a "
            "token of your own"
        )
    return caller.user_id


def read_since(text: str) -> dt.datetime:
    """A moment, in UTC if it does not say. Raises `BadInput`."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:40]!a} is no moment: write it as 2026-11-26 or 2026-11-26T07:00:00+00:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _wanted(document: WantedWebhook) -> webhooks.Wanted:
    return webhooks.Wanted(**document.model_dump())


def _with_secret(made: tuple[WebhookRow, str], response: Response) -> _Json:
    response.headers["Cache-Control"] = "no-store"
    return {"webhook": webhooks.as_json(made[0]), "secret": made[1]}


def _choices_json(session: Session, user_id: str, caller: Caller) -> _Json:
    chosen = session.get(NoticeChoiceRow, user_id) is not None
    return choosing.choices_of(session, user_id, caller.role).as_json() | {"chosen": chosen}

"""One delivery, tried once by whoever holds it, and noted as sent, put off or dead."""

from __future__ import annotations

import datetime as dt
import json
import logging
import ssl
import time
from dataclasses import dataclass

from sqlmodel import Session

from curator.database.engine import Database, now
from curator.database.sealing import Seal
from curator.errors import BadInput, CuratorError
from curator.notify import outbox, webhooks
from curator.notify.addresses import Allowed, read_place, resolve
from curator.notify.choices import Person
from curator.notify.drafts import line
from curator.notify.kinds import SUBJECT_OF, NoticeType
from curator.notify.mail import Mailer, NotMailed, message
from curator.notify.posting import Answer, NoAnswer, post
from curator.notify.readers import is_mailbox, may_know, reader
from curator.notify.signing import headers
from curator.notify.tables import DeliveryRow, NoticeRow, WebhookRow
from curator.settings import Settings
from curator.upstream.connect import seal_of
from curator.upstream.pacing import retry_after_s
from curator.upstream.trust import trusted

log = logging.getLogger(__name__)

_REST_S = 30.0
"""A receiver that does not answer is left alone so long, by whatever else waits for it."""
_GONE = 410
_OF_A_TEAM = "Administrators and security choose what this mailbox is told"


@dataclass(frozen=True, slots=True)
class Tried:
    """How an attempt went."""

    error: str | None = None
    """None: it was taken."""
    status: int | None = None
    answer: str | None = None
    asked_s: float = 0.0
    for_good: bool = False
    silent: bool = False
    """There was no answer at all."""


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Tries deliveries, in whatever thread."""

    database: Database
    seal: Seal
    allowed: Allowed
    tls: ssl.SSLContext
    mailer: Mailer | None
    url: str

    def deliver(self, begun: DeliveryRow) -> bool:
        """Try once what `outbox.begin` began; False if it is somebody else's by now, who notes it."""
        with self.database.read() as session:
            notice = session.get_one(NoticeRow, begun.notice_id)
            webhook = session.get(WebhookRow, begun.webhook_id) if begun.webhook_id else None
        tried = self._to_webhook(begun, notice, webhook) if webhook is not None else self._to_person(begun, notice)
        with self.database.write() as session:
            row = session.get(DeliveryRow, begun.id)
            if row is None or not outbox.is_held(row, begun):
                log.warning("the notice %s is somebody else's by now: it took longer than its lease", begun.id)
                return False
            self._note(session, row, tried)
        return True

    def _note(self, session: Session, row: DeliveryRow, tried: Tried) -> None:
        webhook = session.get(WebhookRow, row.webhook_id) if row.webhook_id else None
        if tried.error is None:
            outbox.sent(session, row, tried.status, tried.answer)
            if webhook is not None:
                webhooks.note_success(session, webhook)
            return
        again = outbox.failed(
            session,
            row,
            tried.error,
            status=tried.status,
            answer=tried.answer,
            asked_s=tried.asked_s,
            for_good=tried.for_good,
        )
        log.warning("the notice %s is not delivered (attempt %d): %s", row.id, row.attempts, tried.error)
        if webhook is not None and webhook.disabled_at is None and webhook.ended_at is None:
            if tried.silent:
                webhook.paused_until = now() + dt.timedelta(seconds=_REST_S)
            webhooks.note_failure(
                session, webhook, tried.error, row.attempts, died=not again, gone=tried.status == _GONE
            )

    def _to_webhook(self, row: DeliveryRow, notice: NoticeRow, webhook: WebhookRow) -> Tried:
        if webhook.ended_at is not None or webhook.disabled_at is not None:
            return Tried(f"The webhook is {'ended' if webhook.ended_at else 'switched off'}", for_good=True)
        body = body_of(notice, webhook.format)
        try:
            keys = webhooks.keys_of(self.seal, webhook)
            place = read_place(webhook.url, self.allowed)
            addresses = resolve(place, self.allowed)
        except CuratorError as error:
            # Of settings or a key, which an administrator may bring back within the day.
            return Tried(error.sentence)
        except (OSError, UnicodeError):
            return Tried("It could not be reached: its name is not known", silent=True)
        sent = headers(keys, row.id, int(time.time()), body)
        sent |= {"Content-Type": "application/json", "User-Agent": "model-curator", "Connection": "close"}
        try:
            answer = post(place, addresses, sent, body, self.tls)
        except NoAnswer as error:
            return Tried(f"It could not be reached: {error}", silent=True)
        return _read(answer)

    def _to_person(self, row: DeliveryRow, notice: NoticeRow) -> Tried:
        if self.mailer is None:
            return Tried("There is no server for mail any more: set CURATOR_SMTP_HOST", for_good=True)
        with self.database.read() as session:
            who = reader(session, row.user_id or "")
        if who is None or not who.email:
            return Tried("Whoever it is for is disabled, has ended, or has no address", for_good=True)
        if NoticeType(notice.type) in SUBJECT_OF and not may_know(who, notice):
            return Tried("Whoever it is for may not know of this any more", for_good=True)
        try:
            made = message(
                to=who.email,
                sender=self.mailer.sender,
                title=notice.title,
                body=notice.body,
                link=f"{self.url}{notice.path}",
                message_id=row.id,
                type_=notice.type,
                choices=f"{self.url}{_choices_of(who)}",
                foot=_OF_A_TEAM if is_mailbox(who.id) else "Choose what you are told, and how",
                at=row.created_at,
            )
            self.mailer.send(made)
        except BadInput as error:
            return Tried(error.sentence, for_good=True)
        except NotMailed as error:
            return Tried(f"It was not mailed: {error}", for_good=error.for_good)
        return Tried()


def _choices_of(who: Person) -> str:
    """The page where it is chosen what they are told."""
    return f"/-/people/teams/{min(who.teams)}/mailbox" if is_mailbox(who.id) else "/-/notices/choices"


def deliverer_of(settings: Settings, database: Database) -> Deliverer:
    """As the settings say. Raises `BadSettings`."""
    tls = trusted(settings.upstream_ca)
    return Deliverer(
        database,
        seal_of(settings),
        Allowed.parse(settings.webhook_allow),
        tls,
        Mailer.of(settings, tls),
        settings.url,
    )


def body_of(notice: NoticeRow, form: str) -> bytes:
    """What is posted: the notice itself, or `{"text": ...}` as Slack and Teams read it."""
    if form == "json":
        return notice.document.encode()
    link = json.loads(notice.document)["link"]
    text = f"*{_plain(notice.title)}*\n{_plain(notice.body)}\n{link}"
    return json.dumps({"text": text}).encode()


def _plain(text: str) -> str:
    """Nothing in it is a mention, a link or a tag to those who show it: what they ask for is `&`, `<` and `>` escaped
    (Slack, "Formatting text for app surfaces"), and a link in Markdown has `](` in it."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("](", "] (").replace("*", "\N{ASTERISK OPERATOR}").replace("`", "'")


def _read(answer: Answer) -> Tried:
    if 200 <= answer.status < 300:
        return Tried(status=answer.status, answer=answer.text)
    said = f"It answered {answer.status}"
    if 300 <= answer.status < 400:
        said += ", which leads elsewhere: name the address itself, since no redirect is followed"
    if answer.status == _GONE:
        said += ", which means that it wants no notices any more"
    return Tried(
        said,
        answer.status,
        line(answer.text, 300),
        asked_s=retry_after_s(answer.retry_after or "", now()),
        for_good=answer.status == _GONE,
    )

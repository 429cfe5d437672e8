"""Send something to see that it arrives: to a webhook, or to one's own mailbox."""

from __future__ import annotations

import json

from sqlmodel import Session

from curator.database.engine import new_id, now
from curator.errors import BadInput, CuratorError
from curator.notify import mailboxes
from curator.notify.drafts import Draft
from curator.notify.kinds import NoticeType
from curator.notify.outbox import send_out
from curator.notify.readers import person
from curator.notify.tables import NoticeRow
from curator.notify.webhooks import find


class NobodyThere(CuratorError):
    """Whoever asks is no person, so there is nobody to be told anything."""

    status = 409


def try_webhook(session: Session, webhook_id: str, by: str, url: str) -> str:
    """Returns the id of the delivery. Raises `NoSuchWebhook`, and `BadInput` for one that is switched off."""
    row = find(session, webhook_id)
    if row.disabled_at is not None:
        raise BadInput(f"The webhook {row.name} is switched off: switch it on first")
    notice = _notice(session, by, url, f"A test of the webhook {row.name}")
    return send_out(session, notice.id, webhook_id=row.id)


def try_mail(session: Session, user_id: str, url: str, *, mails: bool) -> str:
    """The same to a person's own mailbox. Raises `NobodyThere`, and `BadInput` where no mail can be sent."""
    who = person(session, user_id)
    if who is None:
        raise NobodyThere("This account is disabled: nothing is sent to it")
    _check_mails(mails=mails)
    if not who.email:
        raise BadInput("There is no address of mail for this account: an administrator can add one")
    notice = _notice(session, who.name, url, "A test of your mail")
    return send_out(session, notice.id, user_id=user_id)


def try_mailbox(session: Session, team: str, by: str, url: str, *, mails: bool) -> str:
    """The same to the mailbox of a team. Raises `NoSuchName`, `NoMailbox`, and `BadInput` where no mail can be sent."""
    box = mailboxes.find(session, team)
    _check_mails(mails=mails)
    notice = _notice(session, by, url, f"A test of the mailbox of the team {team}", f"mailbox:{team}")
    return send_out(session, notice.id, user_id=box.reader.id)


def _check_mails(*, mails: bool) -> None:
    if not mails:
        raise BadInput("There is no server for mail: an administrator sets CURATOR_SMTP_HOST and CURATOR_SMTP_FROM")


def _notice(session: Session, by: str, url: str, title: str, audience: str = "") -> NoticeRow:
    said = f"{by} asked for it, to see that it arrives. Nothing has happened."
    draft = Draft(NoticeType.TEST, now(), audience or f"person:{by}", title, (said,), "/-/notices", {"by": by})
    notice_id = new_id()
    row = NoticeRow(
        id=notice_id,
        type=draft.type.value,
        at=draft.at,
        audience=draft.audience,
        last_at=draft.at,
        document=json.dumps(draft.document(notice_id, url)),
        title=draft.title,
        body="\n".join(draft.lines),
        path=draft.path,
    )
    session.add(row)
    session.flush()
    return row

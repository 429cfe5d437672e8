"""Webhooks: made, changed, given another secret, ended; each has a secret that is shown once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.database import secret_key
from curator.database.engine import Database, new_id, now
from curator.database.sealing import Seal, opened_by_any
from curator.errors import BadInput, CuratorError
from curator.notify.addresses import Allowed, read_place, resolve
from curator.notify.choices import any_matches, check_globs
from curator.notify.drafts import line
from curator.notify.kinds import SUBSCRIBED, NoticeType
from curator.notify.marks import said_first
from curator.notify.outbox import replay_since
from curator.notify.signing import new_secret
from curator.notify.tables import NoticeRow, WebhookRow
from curator.types import check_no_secret

FORMATS = ("json", "text")
BOTH_FOR = dt.timedelta(hours=24)
"""After a secret was replaced, for which everything is signed with the old one, too."""
DISABLED_AFTER = dt.timedelta(days=3)
MOST_WEBHOOKS = 200
_LONGEST_NAME = 100
_TOLD_AT = 3


class BadWebhook(BadInput):
    """A webhook that cannot be taken as it is."""

    status = 422


class NoSuchWebhook(CuratorError):
    """A webhook was named that is not there, or was ended."""

    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A webhook as somebody wants it."""

    name: str
    url: str
    format: str = "json"
    types: Sequence[str] = ()
    """Of `NoticeType`; empty for all."""
    repos: Sequence[str] = ()
    """Globs of repositories; empty for all."""
    team: str = ""
    """Only what this team may know; empty: everything."""


def make(database: Database, seal: Seal, wanted: Wanted, allowed: Allowed, by: str) -> tuple[WebhookRow, str]:
    """The webhook, and its secret, which cannot be had again. Raises `BadWebhook` and `Forbidden`."""
    _check(wanted, allowed)
    secret = new_secret()
    with database.write() as session:
        secret_key.hold(session, seal)
        sealed = seal.close(secret)
        if len(active(session)) >= MOST_WEBHOOKS:
            raise BadWebhook(f"There are {MOST_WEBHOOKS} webhooks already: end one first")
        _check_name_free(session, wanted.name, None)
        row = WebhookRow(id=new_id(), sealed=sealed, created_at=now(), created_by=by, **_columns(wanted))
        session.add(row)
        _record(session, row, by, "made", f"The webhook {line(row.name)} was made, to {_host(row)}")
    return row, secret


def change(database: Database, webhook_id: str, wanted: Wanted, allowed: Allowed, by: str) -> WebhookRow:
    """Everything but its secret. One that was switched off is on again. Raises as `make`, and `NoSuchWebhook`."""
    _check(wanted, allowed)
    with database.write() as session:
        row = find(session, webhook_id)
        _check_name_free(session, wanted.name, webhook_id)
        for name, value in _columns(wanted).items():
            setattr(row, name, value)
        _switch_on(row)
        session.add(row)
        _record(session, row, by, "changed", f"The webhook {line(row.name)} was changed; it leads to {_host(row)}")
    return row


def enable(database: Database, webhook_id: str, by: str) -> WebhookRow:
    """Switch on what was switched off because it took nothing. Raises `NoSuchWebhook`."""
    with database.write() as session:
        row = find(session, webhook_id)
        _switch_on(row)
        session.add(row)
        _record(session, row, by, "enabled", f"The webhook {line(row.name)} was switched on again")
    return row


def rotate(database: Database, seal: Seal, webhook_id: str, by: str) -> tuple[WebhookRow, str]:
    """Another secret; for a day everything is signed with both. Raises `NoSuchWebhook`."""
    secret = new_secret()
    with database.write() as session:
        secret_key.hold(session, seal)
        sealed = seal.close(secret)
        row = find(session, webhook_id)
        until = now() + BOTH_FOR
        # All that were replaced within a day: whoever rotates again may have been told of the first one alone.
        replaced = [*_before(row), (row.sealed, until.isoformat())]
        row.sealed_before, row.before_until = json.dumps(replaced), until
        row.sealed = sealed
        session.add(row)
        _record(session, row, by, "rotated", f"The webhook {line(row.name)} has another secret")
    return row, secret


def end(database: Database, webhook_id: str, by: str) -> WebhookRow:
    """Nothing is sent to it any more. Raises `NoSuchWebhook`."""
    with database.write() as session:
        row = find(session, webhook_id)
        row.ended_at = now()
        session.add(row)
        _record(session, row, by, "ended", f"The webhook {line(row.name)} was ended")
    return row


def replay(session: Session, webhook_id: str, since: dt.datetime, by: str, *, dead_only: bool) -> list[str]:
    """Send once more what was made since a moment. Raises `NoSuchWebhook`, and `BadWebhook` if it is switched off."""
    row = find(session, webhook_id)
    if row.disabled_at is not None:
        raise BadWebhook(f"The webhook {line(row.name)} is switched off: switch it on first")
    sent = replay_since(session, row.id, since, dead_only=dead_only)
    _record(session, row, by, "replayed", f"{len(sent)} notices are sent to the webhook {line(row.name)} once more")
    return sent


def find(session: Session, webhook_id: str) -> WebhookRow:
    """By id or by name. Raises `NoSuchWebhook`."""
    row = session.get(WebhookRow, webhook_id)
    if row is None:
        row = session.exec(
            select(WebhookRow).where(WebhookRow.name == webhook_id, col(WebhookRow.ended_at).is_(None))
        ).first()
    if row is None or row.ended_at is not None:
        raise NoSuchWebhook(f"There is no webhook {webhook_id[:80]!a} here: `curator notify list` shows them")
    return row


def active(session: Session) -> list[WebhookRow]:
    """All that were not ended, by name; also those that are switched off."""
    return list(session.exec(select(WebhookRow).where(col(WebhookRow.ended_at).is_(None)).order_by(WebhookRow.name)))


def keys_of(seal: Seal, row: WebhookRow) -> list[str]:
    """What a delivery is signed with. Raises `KeyLost`."""
    what = f"The secret of the webhook {row.name}"
    return [seal.open(one, what) for one in (row.sealed, *(sealed for sealed, _ in reversed(_before(row))))]


def change_secret(session: Session, old: Seal | None, new: Seal, by: str) -> list[str]:
    """Seal the secrets that `old` opens with `new`. Without an old key those that are lost are named, and their
    webhooks switched off until they are given another. Raises `KeyLost` if there is one that does not open them."""
    lost = []
    for row in active(session):
        what = f"The secret of the webhook {line(row.name)}"
        text = opened_by_any(row.sealed, what, new, old)
        before = [(opened_by_any(sealed, what, new, old), until) for sealed, until in _before(row)]
        row.sealed_before = json.dumps([(new.close(one), until) for one, until in before if one is not None])
        row.sealed = new.close(text if text is not None else new_secret())
        if text is None:
            lost.append(row.name)
            row.disabled_at, row.disabled_why = now(), "its secret is lost with the key that it was sealed with"
            _record(session, row, by, "disabled", f"The webhook {line(row.name)} is off: {row.disabled_why}")
        session.add(row)
    return lost


def _before(row: WebhookRow) -> list[tuple[str, str]]:
    """Those that were replaced and still sign, sealed, each with its end; the newest last."""
    if row.sealed_before is None or row.before_until is None or row.before_until <= now():
        return []
    if not row.sealed_before.startswith("["):
        # As it was kept while there was one.
        found = [(row.sealed_before, row.before_until.isoformat())]
    else:
        found = [(str(sealed), str(until)) for sealed, until in json.loads(row.sealed_before)]
    return [(sealed, until) for sealed, until in found if dt.datetime.fromisoformat(until) > now()]


def note_failure(session: Session, row: WebhookRow, error: str, attempts: int, *, died: bool, gone: bool) -> None:
    """A delivery failed for the so-manieth time, or `died`; who answers 410 wants none any more (`gone`).

    People are told once a trouble, and not of one that is over in two minutes.
    """
    moment = now()
    row.failing_since = row.failing_since or moment
    session.add(row)
    if row.disabled_at is not None:
        return
    if gone or (died and row.failing_since <= moment - DISABLED_AFTER):
        row.disabled_at, row.disabled_why = moment, error
        said = f"The webhook {line(row.name)} is switched off, and what waits for it stays to be replayed: {error}"
        _record(session, row, "curator", "disabled", said)
    elif attempts >= _TOLD_AT and said_first(session, f"failing:{row.id}", row.failing_since.isoformat()):
        said = f"The webhook {line(row.name)} did not take a notice, which is tried again for a day: {error}"
        _record(session, row, "curator", "failing", said)


def note_success(session: Session, row: WebhookRow) -> None:
    if row.failing_since is not None or row.paused_until is not None:
        row.failing_since = row.paused_until = None
        session.add(row)


def wants(row: WebhookRow, notice: NoticeRow, repos: frozenset[str]) -> bool:
    """Whether this notice is to be sent there; `repos` are those that it is about."""
    if row.disabled_at is not None:
        return False
    types = json.loads(row.types)
    if types and notice.type not in types:
        return False
    if not _may_know(row, notice):
        return False
    globs = json.loads(row.repos)
    return not globs or any_matches(globs, repos)


def as_json(row: WebhookRow) -> dict[str, Any]:
    """Without its secret, which nobody is shown again."""
    return {
        "id": row.id,
        "name": row.name,
        "url": row.url,
        "format": row.format,
        "types": json.loads(row.types),
        "repos": json.loads(row.repos),
        "team": row.team,
        "state": "disabled" if row.disabled_at else "failing" if row.failing_since else "working",
        "disabled_why": row.disabled_why,
        "failing_since": row.failing_since.isoformat(timespec="seconds") if row.failing_since else None,
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "created_by": row.created_by,
    }


def _may_know(row: WebhookRow, notice: NoticeRow) -> bool:
    kind, _, name = notice.audience.partition(":")
    copied = kind == "mailbox" or (kind == "team" and notice.type == NoticeType.REVERSED)
    if row.team:
        return kind == "all" or (kind in {"team", "mailbox"} and name == row.team)
    # Whoever gets everything has the whole of it, and needs no team's part.
    return not copied


def _switch_on(row: WebhookRow) -> None:
    row.disabled_at = row.disabled_why = row.failing_since = row.paused_until = None


def _check(wanted: Wanted, allowed: Allowed) -> None:
    if not wanted.name.strip() or len(wanted.name) > _LONGEST_NAME or not wanted.name.isprintable():
        raise BadWebhook(f"A webhook needs a name of 1 to {_LONGEST_NAME} printable characters")
    check_no_secret("name", wanted.name)
    if wanted.format not in FORMATS:
        raise BadWebhook(f"There is no format {wanted.format[:40]!a}: choose one of {', '.join(FORMATS)}")
    stray = next((one for one in wanted.types if one not in SUBSCRIBED), None)
    if stray is not None:
        raise BadWebhook(f"There is no notice of the type {stray[:40]!a}: choose among {', '.join(SUBSCRIBED)}")
    check_globs(wanted.repos)
    place = read_place(wanted.url, allowed)
    try:
        resolve(place, allowed)
    except (OSError, UnicodeError):
        raise BadWebhook(f"The name {place.host[:100]!a} is not known: check the address") from None


def _check_name_free(session: Session, name: str, webhook_id: str | None) -> None:
    other = session.exec(select(WebhookRow).where(WebhookRow.name == name, col(WebhookRow.ended_at).is_(None))).first()
    if other is not None and other.id != webhook_id:
        raise BadWebhook(f"There is a webhook named {name!a} already: choose another name")


def _columns(wanted: Wanted) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "url": wanted.url,
        "format": wanted.format,
        "types": json.dumps(list(wanted.types)),
        "repos": json.dumps(list(wanted.repos)),
        "team": wanted.team,
    }


def _host(row: WebhookRow) -> str:
    """Where it leads, without the path, which is a password in many places."""
    return line(row.url.split("/")[2] if row.url.count("/") >= 2 else row.url)


def _record(session: Session, row: WebhookRow, by: str, outcome: str, sentence: str) -> None:
    append(
        session,
        AuditEvent(
            action=Action.NOTIFY,
            actor=by,
            team=row.team,
            kind=None,
            repo="",
            outcome=outcome,
            subject=row.name,
            sentence=sentence,
        ),
    )

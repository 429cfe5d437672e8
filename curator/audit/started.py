"""Settings on the record: what is otherwise in force than when this server last started."""

from __future__ import annotations

import socket
from hashlib import sha256

from pydantic import SecretStr
from sqlmodel import select

from curator.audit.record import Action, AuditEvent, append
from curator.audit.seals import Signer, signer
from curator.audit.tables import AuditSettingRow
from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.settings import Settings

_SECRET = "secret:"  # noqa: S105 - no secret, but the mark of a digest of one
_MAY_HOLD_ONE = frozenset({"database_url"})
"""Settings with a password in them, maybe."""
_LONGEST = 200


def record_settings(database: Database, seal: Seal, settings: Settings) -> list[str]:
    """Compare the settings in force with those of the last start, and put on the record what differs; returns that.

    Of a secret is kept a digest that only the record's key can make, and it is said that it changed, never to what.
    """
    with_key = signer(database, seal)
    new = _told(settings, with_key)
    # A database that is a file is one machine's, whatever that calls itself today.
    server = "" if database.engine.dialect.name == "sqlite" else f"{socket.gethostname()}:{settings.data.absolute()}"
    with database.write() as session:
        rows = {row.name: row for row in session.exec(select(AuditSettingRow).where(AuditSettingRow.server == server))}
        old = {name: row.value for name, row in rows.items()}
        changes = [_change(name, old.get(name), value) for name, value in new.items() if old.get(name) != value]
        for name, row in rows.items():
            if name not in new:
                session.delete(row)
        for name, value in new.items():
            session.merge(AuditSettingRow(server=server, name=name, value=value))
        if changes:
            first = "first start with" if not old else "changed"
            if not old:
                changes = [_change(name, None, value) for name, value in new.items() if value != _default(name)]
            append(
                session,
                AuditEvent(
                    action=Action.SETTINGS,
                    actor="curator",
                    kind=None,
                    repo="",
                    outcome="first" if not old else "changed",
                    subject=server or None,
                    sentence=f"settings, {first}: {'; '.join(changes) or 'the defaults'}",
                ),
            )
    return changes


def _told(settings: Settings, with_key: Signer) -> dict[str, str]:
    told = {}
    for name in sorted(type(settings).model_fields):
        value = getattr(settings, name)
        secret = value.get_secret_value() if isinstance(value, SecretStr) else value if name in _MAY_HOLD_ONE else None
        if secret is not None:
            # Ed25519 signs the same text always the same, and nobody without the key can try what the text was.
            signature = with_key.sign(f"curator-setting-1 {name} {secret}")
            told[name] = _SECRET + sha256(signature).hexdigest()
        else:
            told[name] = "" if value is None else str(value)
    return told


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    return "" if default is None else str(default)


def _change(name: str, old: str | None, new: str) -> str:
    if new.startswith(_SECRET) or (old or "").startswith(_SECRET):
        return f"{name} {'is not set any more' if not new else 'changed' if old else 'is set'}"
    if old is None:
        return f"{name} is {_shown(new)}"
    return f"{name} is {_shown(new)} instead of {_shown(old)}"


def _shown(value: str) -> str:
    return repr(value[:_LONGEST]) if value else "not set"

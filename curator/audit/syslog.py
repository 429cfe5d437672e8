"""The record to syslog (RFC 5424): each row a message, none left out, over UDP, TCP (RFC 6587, octet counting), TLS
(RFC 5425), or to the socket of this machine.

The place in the record is kept in the database and moves when a batch has been handed over; what broke off in between
is sent again, so a receiver may get a row twice, and tells by its `seq`. UDP promises nothing, and a row that fits into
no datagram is shortened.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlmodel import col, select

from curator.audit.read import Entry
from curator.audit.seals import RecordSeal, of_row
from curator.audit.tables import AuditFollowerRow, AuditRow, AuditSealRow
from curator.database.engine import Database
from curator.errors import BadSettings

log = logging.getLogger(__name__)

FOLLOWER = "syslog"
_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
_PRIORITY = 13 * 8 + 6
"""Facility 13, "log audit", at the level "informational"."""
_DATA = "curator@32473"
"""The enterprise number that RFC 5612 keeps for examples: a receiver looks for the name, and none is registered."""
_BATCH = 500
_TIMEOUT_S = 10.0
_SHORT = 200
"""Letters of a text that is too long for a datagram."""
_PAUSE_S = 1.0
_MOST_PAUSE_S = 60.0
_AUDIT = AuditRow.__table__  # type: ignore[attr-defined]


class Target:
    """A receiver; connected when something is sent. Raises `BadSettings` for an address that is none."""

    def __init__(self, url: str, ca: Path | None = None) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            port = 0
        if parts.scheme == "unix" and parts.path:
            self._address: tuple[str, int] | str = parts.path
        elif parts.scheme in _PORTS and parts.hostname and port and parts.path in {"", "/"}:
            self._address = (parts.hostname, port)
        else:
            raise BadSettings(
                f"CURATOR_SYSLOG_URL is {url!r}: write it as tls://host:6514, tcp://host:601, udp://host:514 or "
                "unix:///dev/log"
            )
        self._scheme, self._ca = parts.scheme, ca
        self._socket: socket.socket | None = None

    def send(self, messages: Sequence[bytes]) -> None:
        """Hand them over. Raises `OSError`, and then some of them may have been and some not."""
        try:
            if self._socket is None:
                self._socket = self._connected()
            if self._scheme in {"udp", "unix"}:
                for message in messages:
                    self._send_one(self._socket, message)
                return
            self._socket.sendall(b"".join(b"%d %s" % (len(message), message) for message in messages))
            self._still_there(self._socket)
        except BaseException:
            self.close()
            raise

    def _send_one(self, made: socket.socket, message: bytes) -> None:
        try:
            made.send(message)
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            # One row that fits into no datagram, which somebody may have made for it, keeps no other from being sent.
            made.send(shortened(message))

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if isinstance(self._address, str):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            made.settimeout(_TIMEOUT_S)
            made.connect(self._address)
            return made
        if self._scheme == "udp":
            found = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)
            family, kind, protocol, _, address = found[0]
            made = socket.socket(family, kind, protocol)
            made.connect(address)
            return made
        made = socket.create_connection(self._address, _TIMEOUT_S)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._scheme == "tcp":
            return made
        try:
            context = ssl.create_default_context(cafile=str(self._ca) if self._ca is not None else None)
            return context.wrap_socket(made, server_hostname=self._address[0])
        except BaseException:
            made.close()
            raise

    def _still_there(self, made: socket.socket) -> None:
        """A receiver says nothing; if it has closed the connection, what was sent last may have come nowhere."""
        made.setblocking(False)
        try:
            if not made.recv(1024):
                raise ConnectionResetError("the receiver closed the connection")
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        finally:
            made.settimeout(_TIMEOUT_S)


class Forwarder:
    """Sends the record to one receiver."""

    def __init__(self, database: Database, target: Target) -> None:
        self._database = database
        self._target = target
        self._sealed: int | None = None

    async def follow(self) -> None:
        """Until cancelled; a receiver that is away is tried again, more and more seldom."""
        pause = _PAUSE_S
        while True:
            try:
                sent = await asyncio.to_thread(self.step)
                pause = _PAUSE_S
            except OSError as error:
                log.warning(
                    "syslog cannot be reached (%s): the next try is in %.0f s, and no row is lost", error, pause
                )
                sent, pause = 0, min(pause * 2, _MOST_PAUSE_S)
            except Exception:
                # A database that is away for a moment must not end this.
                log.exception("the record cannot be sent to syslog; it goes on")
                sent, pause = 0, min(pause * 2, _MOST_PAUSE_S)
            await asyncio.sleep(pause if sent < _BATCH else 0)

    def step(self) -> int:
        """Send what is new, a batch at most; returns how many rows that were."""
        with self._database.read() as session:
            place = session.get(AuditFollowerRow, FOLLOWER)
            after = place.seq if place is not None else 0
            rows = sa.select(_AUDIT).where(_AUDIT.c.seq > after).order_by(_AUDIT.c.seq).limit(_BATCH)
            entries = [Entry.of(row) for row in session.connection().execute(rows).mappings()]
            seals = self._new_seals(session.exec(_SEALS).all())
        if not entries and not seals:
            return 0
        self._target.send([message(entry) for entry in entries] + [sealed(seal) for seal in seals])
        if seals:
            self._sealed = seals[-1].seq
        if entries:
            with self._database.write() as session:
                session.merge(AuditFollowerRow(name=FOLLOWER, seq=entries[-1].seq))
        return len(entries)

    def _new_seals(self, newest: Sequence[AuditSealRow]) -> list[RecordSeal]:
        """The newest few; after a start the newest one once more."""
        if self._sealed is None:
            return [of_row(row) for row in newest[:1]]
        return [of_row(row) for row in reversed(newest) if row.seq > self._sealed]


_SEALS = select(AuditSealRow).order_by(col(AuditSealRow.seq).desc()).limit(20)


def forget(database: Database) -> None:
    """Where the record is sent nowhere, nothing has to be kept for it."""
    with database.write() as session:
        place = session.get(AuditFollowerRow, FOLLOWER)
        if place is not None:
            session.delete(place)


def message(entry: Entry) -> bytes:
    """A row as RFC 5424 has it; the JSON is ASCII."""
    data = f'[{_DATA} seq="{entry.seq}" chain="{entry.chain.hex()}"]'
    return _framed(entry.as_json()["at"], entry.action, data, json.dumps(entry.as_json(), separators=(",", ":")))


def shortened(message: bytes) -> bytes:
    """The same message with the start of each long text; `shortened` says so, and its `seq` where the whole is."""
    head, _, text = message.partition(b"] ")
    document = {
        name: value[:_SHORT] if isinstance(value, str) and name not in {"chain", "id"} else value
        for name, value in json.loads(text).items()
    }
    return head + b"] " + json.dumps(document | {"shortened": True}, separators=(",", ":")).encode()


def sealed(seal: RecordSeal) -> bytes:
    """A seal as a message; whoever keeps it can prove that the record was cut before it."""
    document = seal.as_json()
    data = f'[{_DATA} seq="{seal.seq}" chain="{seal.chain.hex()}"]'
    return _framed(document["at"], "seal", data, json.dumps(document, separators=(",", ":")))


def _framed(at: str, what: str, data: str, text: str) -> bytes:
    return f"<{_PRIORITY}>1 {at} {_HOST} curator {os.getpid()} {what} {data} {text}".encode()


_HOST = "".join(letter for letter in socket.gethostname() if "!" <= letter <= "~")[:255] or "-"

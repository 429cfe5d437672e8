"""Seals: the head of the record, signed. Whoever kept one can prove that rows before it were cut off or written anew.

A seal is an Ed25519 signature (RFC 8032) over the ASCII line `curator-seal-1 SEQ CHAIN AT`: the number of the newest
row, its chain value in hex, and the moment in microseconds since 1970 UTC. The private key is in the database, sealed
with the key that is not (`database.sealing`): whoever has the database alone can sign nothing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlmodel import Session, col, select

from curator.audit.tables import AuditHeadRow, AuditKeyRow, AuditSealRow
from curator.database import secret_key
from curator.database.chain import microseconds
from curator.database.engine import Database, now
from curator.database.sealing import Seal, opened_by_any
from curator.errors import BadInput, KeyLost

log = logging.getLogger(__name__)

EVERY_ROWS = 10_000
EVERY = dt.timedelta(hours=1)
_WHAT = "The key that the record is sealed with"
_KNOWN = "known:"
"""Stands before a public key where its private half is lost, and an administrator has said that it was the record's:
sealed as a private one would be, which nobody can do who has the database alone."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the record's own key."""

    key: str
    """The public half, hex."""
    _private: Ed25519PrivateKey

    def sign(self, line: str) -> bytes:
        return self._private.sign(line.encode())


@dataclass(frozen=True, slots=True)
class RecordSeal:
    """The head of the record at some moment, signed."""

    seq: int
    chain: bytes
    at: dt.datetime
    key: str
    signature: bytes

    @property
    def line(self) -> str:
        """What is signed."""
        return f"curator-seal-1 {self.seq} {self.chain.hex()} {microseconds(self.at)}"

    @property
    def right(self) -> bool:
        """Whether the signature is that of its key."""
        return signed(self.key, self.line, self.signature)

    def as_json(self) -> dict[str, Any]:
        return {
            "seal": 1,
            "seq": self.seq,
            "chain": self.chain.hex(),
            "at": self.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "key": self.key,
            "signature": self.signature.hex(),
        }

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """As it was written. Raises `BadInput`."""
        try:
            seal = cls(
                int(document["seq"]),
                bytes.fromhex(document["chain"]),
                dt.datetime.fromisoformat(document["at"]),
                str(document["key"]),
                bytes.fromhex(document["signature"]),
            )
        except (KeyError, TypeError, ValueError):
            raise BadInput(
                'This is no seal of a record: it is a line of JSON with "seq", "chain", "at", "key" and "signature"'
            ) from None
        if seal.at.tzinfo is None or len(seal.chain) != 32 or not 0 <= seal.seq < 1 << 63:
            raise BadInput("This is no seal of a record: its number, chain value or moment is none")
        return seal


def signed(key: str, line: str, signature: bytes) -> bool:
    """Whether a signature is that of a key, over a line; False for a key that is none."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, line.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def signer(database: Database, seal: Seal) -> Signer:
    """With the record's newest key that can be opened here; one is made where there is none.

    Raises `BadSettings`, and `OtherKey` where the secret is not that of the others who share the database.
    """
    with database.read() as session:
        found = _opened(session, seal) if secret_key.check(session, seal) else None
    if found is not None:
        return found
    with database.write() as session:
        settle(session, seal)
        found = _opened(session, seal)
        if found is None:
            found = new_key(session, seal)
            log.warning("the record is sealed with a new key from now on; its public half is %s", found.key)
    return found


def settle(session: Session, seal: Seal) -> None:
    """Let a database that knows no secret learn this one, unless its record was signed with others alone; in the
    caller's transaction, which is a writer. Raises `OtherKey`."""
    if secret_key.known(session) is None and _rows(session) and _opened(session, seal) is None:
        raise secret_key.OtherKey(seal.where)
    secret_key.hold(session, seal)


def change_secret(session: Session, old: Seal | None, new: Seal, also: Collection[str] = ()) -> None:
    """Seal the private keys, which `old` opens, with `new`; those that neither opens sign nothing any more, and what
    they have signed counts if they are among `also`. Raises `KeyLost` for one that is not, and `BadInput` for one of
    `also` that the record never had."""
    rows = _rows(session)
    for key in set(also) - {row.public for row in rows}:
        raise BadInput(f"This record was never sealed with the key {key}: `curator audit state` shows which it was")
    for row in rows:
        text = None
        with contextlib.suppress(KeyLost):
            text = opened_by_any(row.private, _WHAT, new, old)
        if text is None and row.public not in also:
            raise KeyLost(
                f"The record's key {row.public} cannot be opened with the keys that are named: name the one that it "
                f"was sealed with by --from, or, if that is lost and you have noted this one down, --record-key "
                f"{row.public}"
            )
        row.private = new.close(text if text is not None else _KNOWN + row.public)
        session.add(row)


def _opened(session: Session, seal: Seal) -> Signer | None:
    for row in reversed(_rows(session)):
        with contextlib.suppress(KeyLost, ValueError):
            return Signer(row.public, _private(seal.open(row.private, _WHAT)))
    return None


def _private(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))


def _rows(session: Session) -> list[AuditKeyRow]:
    """The oldest first."""
    return list(session.exec(select(AuditKeyRow).order_by(col(AuditKeyRow.made_at))))


def keys_made_here(session: Session, seal: Seal) -> tuple[frozenset[str], tuple[str, ...]]:
    """The public keys whose private half this mirror's secret opens, and those of which it does not: who can write to
    the database can put a key of his own there, and can seal none with a secret that is kept elsewhere."""
    ours, strange = set(), []
    for row in _rows(session):
        fits = False
        with contextlib.suppress(KeyLost, ValueError):
            text = seal.open(row.private, _WHAT)
            fits = text == _KNOWN + row.public or _private(text).public_key().public_bytes_raw().hex() == row.public
        ours.add(row.public) if fits else strange.append(row.public)
    return frozenset(ours), tuple(strange)


def new_key(session: Session, seal: Seal) -> Signer:
    """Another key to sign with from now on; what the others have signed goes on counting."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw().hex()
    session.add(AuditKeyRow(public=public, private=seal.close(private.private_bytes_raw().hex()), made_at=now()))
    return Signer(public, private)


def seal_now(session: Session, signer: Signer) -> RecordSeal | None:
    """Seal the head within the caller's transaction, which is a writer; None if it is sealed already, or empty."""
    head = session.exec(select(AuditHeadRow)).one()
    if head.seq == 0 or session.get(AuditSealRow, head.seq) is not None:
        return None
    made = RecordSeal(head.seq, head.chain, now(), signer.key, b"")
    made = RecordSeal(made.seq, made.chain, made.at, made.key, signer.sign(made.line))
    session.add(AuditSealRow(seq=made.seq, chain=made.chain, at=made.at, key=made.key, signature=made.signature))
    return made


def seal_if_due(database: Database, seal: Seal) -> RecordSeal | None:
    """Seal the head if many rows or some time passed since it was last; the seal goes into the log, too, since logs are
    kept elsewhere."""
    with database.read() as session:
        head = session.exec(select(AuditHeadRow.seq)).one()
        last = newest_seal(session)
    since = head - (last.seq if last is not None else 0)
    if since == 0 or (since < EVERY_ROWS and last is not None and now() - last.at < EVERY):
        return None
    with_key = signer(database, seal)
    with database.write() as session:
        made = seal_now(session, with_key)
    if made is not None:
        log.info("the record is sealed: %s key %s signature %s", made.line, made.key, made.signature.hex())
    return made


def newest_seal(session: Session) -> RecordSeal | None:
    row = session.exec(select(AuditSealRow).order_by(col(AuditSealRow.seq).desc()).limit(1)).first()
    return of_row(row) if row is not None else None


def of_row(row: AuditSealRow) -> RecordSeal:
    return RecordSeal(row.seq, row.chain, row.at, row.key, row.signature)


def own_keys(session: Session) -> frozenset[str]:
    """The public keys that this record was ever sealed with, as its database says."""
    return frozenset(session.exec(select(AuditKeyRow.public)))

"""What is on its way into the store, as the ledgers of the parts say; looked at, and held up by nothing."""

from __future__ import annotations

from dataclasses import dataclass

from curator.store.blobs import BlobStore
from curator.store.ledger import Ledger
from curator.types import BlobId

MOST = 200
_LEDGERS = "*.ledger"


@dataclass(frozen=True, slots=True)
class Arriving:
    """A blob of which not all bytes are here."""

    blob: BlobId
    size: int
    written: int
    """Bytes from the start that are here."""


def arriving(store: BlobStore) -> list[Arriving]:
    """Those that a process is fetching at this moment, `MOST` at most."""
    found: list[Arriving] = []
    for path in sorted(store.parts.glob(_LEDGERS)):
        if len(found) == MOST:
            break
        # What is published or given up in the meantime takes its files with it.
        try:
            if not store.is_held(path.with_suffix(".part")):
                continue
            ledger = Ledger.open(path, create=False)
        except FileNotFoundError:
            continue
        try:
            if ledger.fetching:
                kind, _, digest = path.stem.rpartition("-")
                blob = BlobId.parse(f"{kind}:{digest}")
                found.append(Arriving(blob, ledger.size, min(ledger.written, ledger.size)))
        finally:
            ledger.close()
    return found

"""How a receiver knows that a notice is ours, and not an old one sent again: Standard Webhooks 1.0, symmetric keys.

Receivers verify with the libraries that exist for it: what is signed is `id.timestamp.body`, with HMAC-SHA256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """For one receiver; between 24 and 64 bytes, as the specification has it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(keys: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Signed with each key: while one is being replaced, the receiver may have either."""
    signed = " ".join(f"v1,{signature(key, message_id, timestamp, body)}" for key in keys)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signed}


def signature(key: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Base64 of the HMAC."""
    plain = base64.b64decode(key.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(plain, signed, hashlib.sha256).digest()).decode()

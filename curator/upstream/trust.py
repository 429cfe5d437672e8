"""Whose certificates are believed: the system's authorities, and the company's own if it names one."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

from curator.errors import BadSettings


@cache
def trusted(ca: Path | None) -> ssl.SSLContext:
    """The context for connections to the upstream, which nobody changes: to read what it trusts takes 20 ms. Raises
    `BadSettings` if the file cannot be used."""
    context = ssl.create_default_context()
    if ca is None:
        return context
    try:
        context.load_verify_locations(cafile=ca)
    except ssl.SSLError:
        raise BadSettings(f"CURATOR_UPSTREAM_CA: {ca} holds no certificate in PEM form") from None
    except OSError as error:
        raise BadSettings(f"CURATOR_UPSTREAM_CA: {ca} cannot be read: {error.strerror}") from None
    return context

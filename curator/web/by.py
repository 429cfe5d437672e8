"""Who changes something, and from where, as verbs want to know it."""

from __future__ import annotations

from fastapi import Request

from curator.people.by import By
from curator.people.caller import Caller


def by(request: Request, caller: Caller) -> By:
    """Whoever sent this request."""
    return By.caller(caller, request.client.host if request.client else None, request.headers.get("user-agent"))

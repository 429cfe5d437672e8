"""Who asks, in the Hub's own form: what `hf auth login` and `hf auth whoami` read (hub-api section 4)."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import Any

from curator.database.engine import Database
from curator.errors import UnknownToken
from curator.hub.answer import Answer, json_answer
from curator.people.caller import Caller
from curator.people.teams import titles
from curator.people.tokens import token_by_id
from curator.people.users import user_by_id


@dataclass(frozen=True, slots=True)
class Myself:
    """Answers whoever asks about himself."""

    database: Database

    async def answer(self, caller: Caller) -> Answer:
        """Raises `UnknownToken` for somebody without a token of ours."""
        if caller.token_id is None:
            raise UnknownToken("Nobody is logged in here: this mirror knows no token in this request")
        return json_answer(await asyncio.to_thread(self._document, caller, caller.token_id))

    def _document(self, caller: Caller, token_id: str) -> dict[str, Any]:
        with self.database.read() as session:
            token = token_by_id(session, token_id)
            user = user_by_id(session, caller.user_id) if caller.user_id is not None else None
            teams = user.teams if user is not None else tuple(filter(None, (caller.team,)))
            orgs = titles(session, teams)
        access = {"displayName": token.name, "role": "read", "createdAt": _written(token.created_at)}
        auth: dict[str, Any] = {"type": "access_token", "accessToken": access}
        if token.expires_at is not None:
            auth["expiresAt"] = _written(token.expires_at)
        return {
            "type": "user",
            "id": caller.user_id or token_id,
            "name": caller.name,
            "fullname": user.full_name if user is not None and user.full_name else caller.name,
            "email": user.email if user is not None and user.email else None,
            "emailVerified": False,
            "canPay": False,
            "isPro": False,
            "orgs": [_org(name, title) for name, title in orgs.items()],
            "auth": auth,
        }


def _org(name: str, title: str) -> dict[str, Any]:
    return {"type": "org", "id": name, "name": name, "fullname": title or name, "canPay": False, "isEnterprise": False}


def _written(at: dt.datetime) -> str:
    """As the Hub writes moments."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

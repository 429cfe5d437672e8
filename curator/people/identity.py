"""The one place where a credential becomes somebody."""

from __future__ import annotations

from curator.database.engine import Database
from curator.errors import UnknownToken
from curator.people.bearer import TokenEnded, caller_of
from curator.people.caller import ANONYMOUS, Caller
from curator.people.mark import looks_like_ours
from curator.people.seen import Seen


class Identity:
    """Tells who asks."""

    def __init__(self, database: Database, *, anonymous_may_pull: bool, url: str = "") -> None:
        """`url` is the mirror's own, where people make tokens."""
        self._database = database
        self._anonymous_may_pull = anonymous_may_pull
        self._url = url
        self.seen = Seen(database)

    def caller(self, authorization: str | None) -> Caller:
        """Whom an `Authorization` header stands for. Raises `UnknownToken`.

        A token of the real Hub, which clients send to whatever `HF_ENDPOINT` names, is nobody's here: where one may
        pull without a token it is passed over, and it is neither kept nor forwarded.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() == "bearer" and token:
            found = self._of_token(token)
            if found is not None:
                self.seen.note(found)
                return found
            if looks_like_ours(token):
                raise UnknownToken("This token is not valid here, or no longer: ask the mirror's administrator for one")
        if self._anonymous_may_pull:
            return ANONYMOUS
        raise UnknownToken(
            "This mirror wants a token of its own: ask its administrator for one, and set it as HF_TOKEN"
        )

    def _of_token(self, token: str) -> Caller | None:
        try:
            with self._database.read() as session:
                return caller_of(session, token)
        except TokenEnded as ended:
            cure = f"make a new one at {self._url}/-/account" if ended.persons else "ask the mirror's administrator"
            raise UnknownToken(f"{ended}: {cure}") from None

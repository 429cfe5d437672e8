"""How everybody gets an upstream: the one place that knows all that it is made of."""

from __future__ import annotations

from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.settings import Settings
from curator.types import UpstreamMode
from curator.upstream.client import Upstream
from curator.upstream.credentials import Credentials
from curator.upstream.guard import Guard, Limits
from curator.upstream.proxies import Proxies
from curator.upstream.refusals import Refusals
from curator.upstream.tokens import list_tokens, open_token
from curator.upstream.trust import trusted

SERVER_PATIENCE_S = 2.0
"""A HEAD's client gives up after 10 s, of which the judgement may take 8."""
WORKER_PATIENCE_S = 60.0
"""Nobody but its own thread waits for a worker, and what it gives up is not tried again for minutes."""


def connect(
    settings: Settings, database: Database | None, *, patience_s: float, general_token: str | None = None
) -> Upstream:
    """The upstream of the settings, with the tokens of the database if there is one. To be called in an event loop.

    `general_token` is used where neither says anything.
    """
    token = settings.upstream_token.get_secret_value() if settings.upstream_token else general_token
    return Upstream(
        settings.upstream,
        timeout_s=settings.upstream_timeout_s,
        offline=settings.upstream_mode is UpstreamMode.OFFLINE,
        tls=trusted(settings.upstream_ca),
        proxies=Proxies(),
        credentials=Credentials(token, database, seal_of(settings)),
        guard=Guard(Limits(settings.breaker_failures, settings.breaker_open_s, patience_s)),
        refusals=Refusals(settings.not_found_ttl_s),
    )


def check(settings: Settings, database: Database) -> None:
    """Find out before anything is started whether the upstream can be asked as the settings say.

    Raises `BadSettings` for an authority or a proxy that cannot be used, and `KeyLost` for a token that cannot be
    opened: better now than with the first gated model.
    """
    trusted(settings.upstream_ca)
    Proxies()
    for kept in list_tokens(database):
        open_token(seal_of(settings), kept)


def seal_of(settings: Settings) -> Seal:
    """What the upstream's tokens are sealed with."""
    key = settings.secret_key.get_secret_value() if settings.secret_key else None
    return Seal(key, settings.data.absolute() / "secret.key")

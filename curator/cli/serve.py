"""`curator serve`: the mirror, and on one machine all that it needs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from curator.admission.names import known_names
from curator.admission.rejudgement import begin_if_new
from curator.audit.started import record_settings
from curator.audit.syslog import Target, forget
from curator.cli import logs
from curator.cli.embedded import Companion, EmbeddedBroker, EmbeddedWorker, SiblingServer, watch
from curator.cli.garbage import loaded
from curator.cli.server import serve
from curator.database.engine import Database
from curator.database.secret_key import check_if_there
from curator.errors import BadSettings
from curator.people.tokens import create_first_admin
from curator.policy import rule_sets
from curator.policy.watch import begin
from curator.settings import Settings
from curator.store.blobs import BlobStore
from curator.upstream.connect import check, seal_of

_BACKLOG = 2048
_ORPHANS_END_WITHIN_S = 3.0


def run(config: Path | None, *, quiet: bool, **given: Any) -> None:
    loaded()
    settings = Settings.load(config, **given)
    logs.configure(quiet=quiet)
    _check_certificate(settings)
    _check_open(settings)
    with _alone(settings.data), _listening(settings.host, settings.port) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        first_token, rules = _prepare(settings)
        broker = EmbeddedBroker(settings.data) if settings.broker_url is None else None
        if broker is not None:
            settings = settings.model_copy(update={"broker_url": SecretStr(broker.url)})
        companions: list[Companion] = [broker, EmbeddedWorker(settings)] if broker is not None else []
        companions += [SiblingServer(settings, listener, number) for number in range(2, settings.server_processes + 1)]
        with _companions(companions):
            asyncio.run(_serve(settings, listener, companions, _greeting(settings, rules, first_token)))


def _check_certificate(settings: Settings) -> None:
    """Raise `BadSettings` unless the certificate, if there is one, can be used."""
    if settings.tls_certificate is None:
        if settings.tls_key is not None:
            raise BadSettings("CURATOR_TLS_KEY is set and CURATOR_TLS_CERTIFICATE is not: name both, or neither")
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        why = "it is not one, or not of this key" if isinstance(error, ssl.SSLError) else error.strerror
        raise BadSettings(f"The certificate {settings.tls_certificate} cannot be used: {why}") from None


def _check_open(settings: Settings) -> None:
    """Raise `BadSettings` where everybody would be served, and it is not said that everybody is meant."""
    if settings.anonymous == "yes" and settings.beyond_loopback:
        where = f"at {settings.public_url}" if settings.public_url else f"on {settings.host}"
        raise BadSettings(
            f"CURATOR_ANONYMOUS=yes would serve everybody who reaches this mirror {where}, without a token: write "
            "CURATOR_ANONYMOUS=beyond-loopback if that is meant, or leave it out and make tokens with `curator token "
            "create NAME`"
        )


async def _serve(settings: Settings, listener: socket.socket, companions: list[Companion], greeting: str) -> None:
    watchers = [asyncio.create_task(watch(companion)) for companion in companions]
    try:
        await serve(settings, listener, lambda: print(greeting, flush=True), watches=True)
    finally:
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


def _greeting(settings: Settings, rules: str, first_token: str | None) -> str:
    lines = [f"Model Curator mirrors {settings.upstream} {rules}.", ""]
    lines += ["Set this where models are pulled, and change nothing else:", f"  export HF_ENDPOINT={settings.url}"]
    if not settings.pulls_without_token:
        lines.append("  export HF_TOKEN=...   (made by: curator token create NAME)")
    if first_token is not None:
        lines += ["", f"Admin token, shown this once: {first_token}"]
    return "\n".join(lines)


def _prepare(settings: Settings) -> tuple[str | None, str]:
    """Tables, folders, rules and the first token; returns the token, and under which rules in words."""
    database = Database(settings.database)
    try:
        database.migrate()
        check_if_there(database, seal_of(settings))
        check(settings, database)
        record_settings(database, seal_of(settings), settings)
        if settings.syslog_url is None:
            forget(database)
        else:
            Target(settings.syslog_url, settings.syslog_ca)
        known_names(settings)
        BlobStore(settings.store_folder, settings.store_reserve_bytes).prepare()
        begin(settings, database)
        begin_if_new(database)
        with database.read() as session:
            change = rule_sets.last_change(session)
        rules = f"under the rules '{change.name}'" if change else "and allows nothing: it has no valid rules"
        return create_first_admin(database), rules
    except OSError as error:
        raise BadSettings(f"The store {settings.store_folder} cannot be used: {error.strerror}") from error
    finally:
        database.close()


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold the data folder: two servers that each start a broker there would be in each other's way."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = os.open(data / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadSettings(f"The data folder {data} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadSettings(
                f"Another `curator serve` runs on {data}: stop it, or name another folder with --data"
            ) from None
        yield
    finally:
        os.close(lock)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small writes at once (TCP_NODELAY) only where it is.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(listener, host, port)
        listener.listen(_BACKLOG)
        yield listener


def _bind(listener: socket.socket, host: str, port: int) -> None:
    """Take the address. One that is taken is tried again for a while: the other server process of a `serve` that was
    killed has the port until it notices, and one that was just being started notices late."""
    deadline = time.monotonic() + _ORPHANS_END_WITHIN_S
    while True:
        try:
            listener.bind((host, port))
        except OSError as error:
            why = str(error.strerror)
            if error.errno == errno.EADDRINUSE:
                if time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                why = "another program listens there: choose another port with --port"
            raise BadSettings(f"{host}:{port} cannot be listened on: {why}") from None
        return


@contextmanager
def _companions(companions: list[Companion]) -> Iterator[None]:
    """Run them for as long as the block does; the last started is the first stopped."""
    with contextlib.ExitStack() as stack:
        for companion in companions:
            stack.callback(companion.stop)
            companion.start()
        yield

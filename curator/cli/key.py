"""`curator key`: the one secret key of a database, seen and changed at the database itself; it travels nowhere."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from curator.audit import seals
from curator.audit.record import Action, AuditEvent, append
from curator.cli.administrator import administrator
from curator.cli.place import Place
from curator.cli.token import open_database
from curator.database import secret_key
from curator.database.sealing import Seal
from curator.errors import BadInput, KeyLost
from curator.notify import webhooks
from curator.upstream import tokens
from curator.upstream.connect import seal_of

_NO = 1


@dataclass(frozen=True, slots=True)
class Change:
    """How the key is changed."""

    old: Path | None
    lost: bool
    record_keys: tuple[str, ...]
    new_record_key: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """What could not be taken over: patterns of upstream tokens, and names of webhooks."""

    tokens: list[str]
    webhooks: list[str]
    fingerprint: str


def show(place: Place, *, as_json: bool) -> None:
    settings = place.settings()
    seal = seal_of(settings)
    with open_database(settings).read() as session:
        known = secret_key.known(session)
    try:
        here = seal.fingerprint()
    except KeyLost as error:
        here, why = None, error.sentence
    right = known is None or known.fingerprint == here
    if as_json:
        told = {"known": known.fingerprint if known else None, "here": here, "where": seal.where, "right": right}
        print(json.dumps(told))
    elif known is None:
        print("The database knows no secret key yet: it learns the one of the first server that starts.")
    else:
        print(f"The database knows the key {known.fingerprint}, since {known.since:%Y-%m-%d %H:%M} UTC.")
        print(f"{seal.where} is {'that key' if right else f'another: {here}' if here else 'none'}.")
        if here is None:
            print(why)
    if not right:
        raise SystemExit(_NO)


def change(wanted: Change, place: Place, *, as_json: bool) -> None:
    if (wanted.old is None) is not wanted.lost:
        raise BadInput("Name the file with the key of before by --from, or say that it is lost by --lost")
    if wanted.record_keys and not wanted.lost:
        raise BadInput("--record-key is for a key that is lost: with --from, all that it opens is taken over")
    settings = place.settings()
    database, new = open_database(settings), seal_of(settings)
    old = Seal(None, wanted.old.absolute()) if wanted.old is not None else None
    if old is not None:
        old.fingerprint()
    new.make()
    with database.write() as session:
        done = _change(session, old, new, wanted.record_keys, wanted.new_record_key)
    if as_json:
        print(json.dumps({"fingerprint": done.fingerprint, "tokens": done.tokens, "webhooks": done.webhooks}))
        return
    print(f"The database's secrets are sealed with {new.where} now. Start servers and workers with it.")
    for pattern in done.tokens:
        print(f"The upstream's token for {pattern} is lost: add it again with `curator upstream-token add`.")
    for name in done.webhooks:
        print(f"The secret of the webhook {name} is lost: make another with `curator notify secret`, and enable it.")


def _change(session: Session, old: Seal | None, new: Seal, also: Collection[str], renew: bool) -> Changed:
    """All in one transaction: a database of which half is sealed with each key would have no key."""
    known = secret_key.known(session)
    if known is not None and old is not None and known.fingerprint not in {old.fingerprint(), new.fingerprint()}:
        raise secret_key.OtherKey(old.where)
    by = administrator()
    seals.change_secret(session, old, new, also)
    if renew:
        seals.new_key(session, new)
    lost_tokens = tokens.change_secret(session, old, new, by)
    lost_webhooks = webhooks.change_secret(session, old, new, by)
    secret_key.replace(session, new)
    way = "was lost and is replaced" if old is None else "was changed"
    record_key = "; the record is signed with a new key, too" if renew else ""
    said = f"the secret key {way}: it is {new.fingerprint()} now{record_key}"
    append(
        session,
        AuditEvent(
            action=Action.SETTINGS, actor=by, kind=None, repo="", outcome="key", subject="secret key", sentence=said
        ),
    )
    return Changed(lost_tokens, lost_webhooks, new.fingerprint())

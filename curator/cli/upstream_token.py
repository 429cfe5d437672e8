"""`curator upstream-token`: the tokens that the mirror shows to the upstream, by pattern of repositories."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Any

from curator.cli.administrator import administrator
from curator.cli.token import open_database
from curator.errors import BadInput
from curator.settings import Settings
from curator.types import RepoKind
from curator.upstream.connect import seal_of
from curator.upstream.tokens import Pattern, add_token, list_tokens, remove_token

_MOST_LETTERS = 1_000


def add(
    pattern: str, kind: str | None, note: str | None, config: Path | None, data: Path | None, *, as_json: bool
) -> None:
    parsed = _pattern(pattern, kind)
    settings = Settings.load(config, data=data)
    database = open_database(settings)
    token = _read_token(parsed)
    replaced = add_token(database, seal_of(settings), parsed, token, note, administrator())
    if as_json:
        print(json.dumps(_named(parsed) | {"note": note, "replaced": replaced}))
        return
    print(f"The upstream is asked for {parsed} with {'the new' if replaced else 'this'} token from now on.")


def show(config: Path | None, data: Path | None, *, as_json: bool) -> None:
    kept = list_tokens(open_database(Settings.load(config, data=data)))
    rows = [
        {
            **_named(one.pattern),
            "created": one.created_at.isoformat(timespec="seconds"),
            "note": one.note,
        }
        for one in kept
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['pattern']:<40} {row['kind'] or 'any kind':<8} {row['created']}  {row['note'] or ''}".rstrip())


def remove(pattern: str, kind: str | None, config: Path | None, data: Path | None, *, as_json: bool) -> None:
    parsed = _pattern(pattern, kind)
    remove_token(open_database(Settings.load(config, data=data)), parsed, administrator())
    print(json.dumps(_named(parsed)) if as_json else f"The token for {parsed} is forgotten.")


def _pattern(text: str, kind: str | None) -> Pattern:
    return Pattern.parse(text, RepoKind(kind) if kind else None)


def _named(pattern: Pattern) -> dict[str, Any]:
    return {"pattern": pattern.text, "kind": pattern.kind.value if pattern.kind else None}


def _read_token(pattern: Pattern) -> str:
    """From a prompt or standard input, never from the command line, which all users of a machine can see."""
    if sys.stdin.isatty():
        try:
            return getpass.getpass(f"Token for {pattern} (not shown): ").strip()
        except EOFError:
            return ""
    try:
        return sys.stdin.read(_MOST_LETTERS).strip()
    except UnicodeDecodeError:
        raise BadInput("What came on standard input is not text, so it is no token") from None

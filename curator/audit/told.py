"""A row of the record as a sentence."""

from __future__ import annotations

from typing import Protocol

from curator.audit.record import Action


class Told(Protocol):
    """What a sentence needs of a row."""

    @property
    def action(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def repo(self) -> str: ...
    @property
    def commit(self) -> str | None: ...
    @property
    def path(self) -> str | None: ...
    @property
    def outcome(self) -> str: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def sentence(self) -> str | None: ...


_SERVED = {"hold": "was asked to wait for", "left-out": "was not given, because it is left out,"}


def told(row: Told) -> str:
    """Who did what."""
    what = _what(row)
    if row.action == Action.DOWNLOAD:
        return f"{row.actor} was given {what}"
    if row.action == Action.REFUSE:
        return f"{row.actor} {_SERVED.get(row.outcome, 'was refused')} {what}"
    if row.action == Action.SUBSTITUTE:
        return f"{row.actor} is given an older commit of {row.repo} than its upstream has"
    if row.sentence:
        says_who = row.actor == "curator" or row.sentence.startswith(f"{row.actor} ")
        return row.sentence if says_who else f"{row.actor}: {row.sentence}"
    about = row.subject or what
    return f"{row.actor}: {row.action.replace('-', ' ')} {row.outcome}".rstrip() + (f" ({about})" if about else "")


def _what(row: Told) -> str:
    repo = f"{row.repo}@{row.commit[:12]}" if row.commit else row.repo
    return f"{row.path} of {repo}" if row.path and repo else row.path or repo

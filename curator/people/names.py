"""What people, teams, projects and tokens may be called, and what may be said of them."""

from __future__ import annotations

import re

from sqlmodel import Session, col, select

from curator.errors import BadInput, CuratorError
from curator.people.tables import ProjectRow, TeamRow
from curator.types import check_no_secret
from rules.circumstances import Audience

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>\"',;]{1,64}@[^\s@<>\"',;]{1,190}")
_LONGEST_TEXT = 200


class NoSuchName(CuratorError):
    """A person, team, project or token was named that was never made."""

    status = 404


class Taken(CuratorError):
    """What is to be made is there already."""

    status = 409


def check_name(what: str, name: str) -> str:
    """The name of a person, team or project, as `what` says. Raises `BadInput`."""
    if not NAME.fullmatch(name):
        raise BadInput(
            f"{name[:80]!a} is not a {what}'s name: write it with letters, digits, '.', '_' and '-', at most 64, "
            "the first a letter or a digit"
        )
    return name


def check_text(what: str, text: str) -> str:
    """A line that people read, such as a title; empty is one. Raises `BadInput`."""
    said = " ".join(text.split())
    if len(said) > _LONGEST_TEXT or not said.isprintable():
        raise BadInput(f"The {what} has {_LONGEST_TEXT} printable characters at most: write it shorter, in one line")
    return check_no_secret(what, said)


def check_email(email: str) -> str:
    """An address of mail, or nothing. Raises `BadInput`."""
    if email and not (_EMAIL.fullmatch(email) and email.isprintable()):
        raise BadInput(f"{email[:80]!a} is not an address of mail: write it as name@example.org")
    return email


def check_audience(session: Session, audience: Audience) -> Audience:
    """A team and a project that somebody may ask for. Raises `BadInput`.

    Where nobody has made a team yet any name will do, as rules may name it; from the first team on a slip of the pen
    would be a token that no rule fits.
    """
    if audience.team:
        check_name("team", audience.team)
        if not _active(session, audience.team) and session.exec(select(TeamRow.name).limit(1)).first() is not None:
            raise BadInput(
                f"There is no team {audience.team!r}: make it with `curator team create {audience.team}`, or name one "
                "that `curator team list` shows"
            )
    if audience.project:
        check_name("project", audience.project)
        row = session.get(ProjectRow, (audience.team, audience.project))
        there = row is not None and row.ended_at is None
        if not there and session.exec(select(ProjectRow.name).limit(1)).first() is not None:
            of = f"the team {audience.team!r} has" if audience.team else "no team is named that has"
            raise BadInput(
                f"There is no project {audience.project!r} that {of}: make it with `curator project create "
                f"{audience.project} --team {audience.team or 'TEAM'}`, or name one that `curator project list` shows"
            )
    return audience


def _active(session: Session, team: str) -> bool:
    query = select(TeamRow.name).where(TeamRow.name == team, col(TeamRow.ended_at).is_(None))
    return session.exec(query).first() is not None

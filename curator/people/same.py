"""Accounts that are one person: where two people must agree, he is one of them, by whichever of his names."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from curator.audit.record import Action
from curator.errors import BadInput, NotAllowed
from curator.people.by import By
from curator.people.recording import record
from curator.people.tables import UserRow
from curator.people.users import User, find_user, row_of


def names_of(session: Session, name: str) -> tuple[str, ...]:
    """The logins of whoever is known by this name, that one included; only it where nobody is said to be the same."""
    row = session.exec(select(UserRow).where(UserRow.folded == name.lower())).first()
    if row is None or row.person is None:
        return (name,)
    others = session.exec(select(UserRow.login).where(UserRow.person == row.person, UserRow.id != row.id))
    return (name, *sorted(others))


def distinct(session: Session, names: Sequence[str]) -> tuple[str, ...]:
    """One name for each person who stands behind these, the first of his."""
    left, kept = list(names), []
    while left:
        his = {name.lower() for name in names_of(session, left[0])}
        kept.append(left[0])
        left = [name for name in left if name.lower() not in his]
    return tuple(kept)


def say_same(session: Session, login: str, other: str, by: By) -> User:
    """Say that two accounts are one person. Nothing else about either changes. Raises `NoSuchName` and `BadInput`."""
    one, two = row_of(session, login), row_of(session, other)
    if one.id == two.id:
        raise BadInput(f"{one.login} is one account: name another that is the same person")
    person = one.person or one.id
    if two.person == person:
        return find_user(session, one.login)
    moved = session.exec(select(UserRow).where(UserRow.person == two.person)).all() if two.person else [two]
    for row in (one, *moved):
        row.person = person
        session.add(row)
    session.flush()
    said = f"{one.login} and {two.login} are said to be one person"
    record(session, Action.USER, by, one.login, "same", said)
    return find_user(session, one.login)


def say_apart(session: Session, login: str, by: By) -> User:
    """Take it back: the account is a person of its own. Raises `NoSuchName`, `BadInput`, and `NotAllowed` for one's own
    accounts: nobody becomes two people by his own word."""
    row = row_of(session, login)
    others = [name for name in names_of(session, row.login) if name != row.login]
    if not others:
        raise BadInput(f"{row.login} is not said to be the same person as anybody")
    if by.name.lower() in {name.lower() for name in (row.login, *others)}:
        raise NotAllowed(f"{by.name} is one of these accounts: another administrator is to say that they are two")
    left = session.exec(select(UserRow).where(UserRow.person == row.person, col(UserRow.id) != row.id)).all()
    for one in (row, *(left if len(left) == 1 else ())):
        one.person = None
        session.add(one)
    session.flush()
    said = f"{row.login} is not said any more to be the same person as {', '.join(others)}"
    record(session, Action.USER, by, row.login, "apart", said)
    return find_user(session, row.login)

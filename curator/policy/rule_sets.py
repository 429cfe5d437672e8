"""Rule sets as they are kept: immutable, each change of what is in force with who, when, why and from where."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import new_id, now
from curator.database.generation import changed
from curator.errors import BadInput, CuratorError
from curator.policy.tables import RuleSetChangeRow, RuleSetRow
from curator.queue.work import Work, ask_for
from rules.document import read_document
from rules.model import Policy, PolicyError, parse_policy

REJUDGE = "curator.rejudge"
"""The work that follows a change; its key is the change's id."""

STARTER = "starter"
"""Where rules came from that nobody chose."""
COMMAND = "command"
ROLLBACK = "rollback"

_SHORTEST_DIGEST = 8


class NoRuleSet(CuratorError):
    """Rules were asked for that were never kept here."""

    status = 404


@dataclass(frozen=True, slots=True)
class Change:
    """That a set of rules came into force."""

    id: str
    digest: str
    name: str
    before: str | None
    author: str
    reason: str
    origin: str
    at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "digest": self.digest,
            "name": self.name,
            "before": self.before,
            "author": self.author,
            "reason": self.reason,
            "origin": self.origin,
            "at": self.at.isoformat(timespec="seconds"),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Between two sets of rules: which rules are new, gone, or otherwise than before, and the text's lines."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    """Of each rule that both have and that differs: the fields that do."""
    text: str
    """A unified diff of the sources."""

    @property
    def sentence(self) -> str:
        """In words; that nothing of the rules differs, too."""
        parts = [
            f"{verb} {', '.join(ids)}"
            for verb, ids in (
                ("adds", self.added),
                ("removes", self.removed),
                ("changes", tuple(f"{rule} ({', '.join(fields)})" for rule, fields in self.changed.items())),
            )
            if ids
        ]
        return "; ".join(parts) or "no rule differs"

    def as_json(self) -> dict[str, Any]:
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "changed": {rule: list(fields) for rule, fields in self.changed.items()},
            "sentence": self.sentence,
            "text": self.text,
        }


def keep(session: Session, policy: Policy) -> None:
    """Keep the rules as they are now; they need not come into force."""
    if session.get(RuleSetRow, policy.digest) is None:
        session.add(RuleSetRow(digest=policy.digest, name=policy.name, source=policy.source, first_used_at=now()))
        session.flush()


def publish(
    session: Session, policy: Policy, *, author: str, reason: str, origin: str
) -> tuple[Change, list[Work]] | None:
    """Let these rules be in force from the end of this transaction on; None if they are already.

    Returns the change, and what the broker is to be told: what was decided under other rules is judged anew.
    """
    before = in_force(session)
    if before == policy.digest:
        return None
    keep(session, policy)
    row = RuleSetChangeRow(
        id=_next_id(session), digest=policy.digest, before=before, author=author, reason=reason, origin=origin, at=now()
    )
    session.add(row)
    session.flush()
    differs = f": {difference(session, before, policy.digest).sentence}" if before else ""
    append(
        session,
        AuditEvent(
            action=Action.RULES,
            actor=author,
            kind=None,
            repo="",
            outcome="in-force",
            rules=policy.digest,
            sentence=f"The rules '{policy.name}' ({policy.digest[:12]}, from {origin}) are in force instead of "
            f"{before[:12] if before else 'none'}, because: {reason}{differs}",
        ),
    )
    changed(session)
    return _change(row, policy.name), [ask_for(session, REJUDGE, row.id)]


def roll_back(session: Session, digest: str, *, author: str, reason: str) -> tuple[Change, list[Work]]:
    """Let rules be in force again that were before. Raises `NoRuleSet`, and `BadInput` if they cannot be or are."""
    policy = parsed(find(session, digest))
    was_in_force = session.exec(select(RuleSetChangeRow).where(RuleSetChangeRow.digest == policy.digest)).first()
    if was_in_force is None:
        raise NoRuleSet(f"The rules {policy.digest[:12]} were never in force: publish them")
    done = publish(session, policy, author=author, reason=reason, origin=ROLLBACK)
    if done is None:
        raise BadInput(f"The rules {policy.digest[:12]} are in force already")
    return done


def in_force(session: Session) -> str | None:
    """The digest of the rules in force; None if there are none yet."""
    newest = select(RuleSetChangeRow.digest).order_by(col(RuleSetChangeRow.id).desc()).limit(1)
    return session.exec(newest).first()


def is_last_change(session: Session, change_id: str) -> bool:
    """Whether what this change brought into force is in force, because of it."""
    newest = session.exec(select(RuleSetChangeRow.id).order_by(col(RuleSetChangeRow.id).desc()).limit(1)).first()
    return newest == change_id


def last_change(session: Session) -> Change | None:
    """How the rules in force came to be."""
    found = history(session, 1)
    return found[0] if found else None


def change_of(session: Session, change_id: str) -> Change | None:
    row = session.get(RuleSetChangeRow, change_id)
    return _change(row, session.get_one(RuleSetRow, row.digest).name) if row is not None else None


def history(session: Session, limit: int = 100, after: str | None = None) -> list[Change]:
    """What was in force, the newest first; with `after`, before that change."""
    statement = (
        select(RuleSetChangeRow, RuleSetRow.name)
        .join(RuleSetRow, col(RuleSetRow.digest) == col(RuleSetChangeRow.digest))
        .order_by(col(RuleSetChangeRow.id).desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(col(RuleSetChangeRow.id) < after)
    return [_change(row, name) for row, name in session.exec(statement)]


def was_published(session: Session, digest: str) -> bool:
    """Whether these rules are or were in force."""
    return session.exec(select(RuleSetChangeRow.id).where(RuleSetChangeRow.digest == digest)).first() is not None


def find(session: Session, digest: str) -> RuleSetRow:
    """The rules of a digest, of which the first eight digits or more are enough. Raises `NoRuleSet`, `BadInput`."""
    wrong = len(digest) < _SHORTEST_DIGEST or any(letter not in "0123456789abcdef" for letter in digest)
    if wrong:
        raise BadInput(
            f"{digest[:80]!a} does not name rules: write at least {_SHORTEST_DIGEST} of the hex digits that `curator "
            "rules history` shows"
        )
    rows = session.exec(select(RuleSetRow).where(col(RuleSetRow.digest).startswith(digest)).limit(2)).all()
    if not rows:
        raise NoRuleSet(f"There are no rules {digest[:12]} here: `curator rules history` shows those there were")
    if len(rows) > 1:
        raise BadInput(f"{digest} is the beginning of more than one digest: write more of its digits")
    return rows[0]


def source_of(session: Session, digest: str) -> str:
    return session.get_one(RuleSetRow, digest).source


def parsed(row: RuleSetRow) -> Policy:
    """The rules, ready to be evaluated. Raises `BadInput` if this version cannot read what an earlier one could."""
    try:
        return parse_policy(row.source, f"rule set {row.digest[:12]}")
    except PolicyError as error:
        raise BadInput(f"The rules {row.digest[:12]} cannot be used by this version: {error.problems[0]}") from None


def difference(session: Session, one: str | None, other: str) -> Difference:
    """From one set of rules to the other. Raises as `find` does."""
    before = find(session, one) if one else None
    after = find(session, other)
    return compared(
        before.source if before else "",
        before.digest[:12] if before else "nothing",
        after.source,
        after.digest[:12],
    )


def compared(before: str, called: str, after: str, called_after: str) -> Difference:
    """From one text of rules to another, each with what it is called."""
    old, new = _rules(before), _rules(after)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), called, called_after, lineterm="")
    return Difference(
        tuple(rule for rule in new if rule not in old),
        tuple(rule for rule in old if rule not in new),
        {rule: fields for rule in new if rule in old and (fields := _differing(old[rule], new[rule]))},
        "\n".join(lines),
    )


def _rules(source: str) -> dict[str, Mapping[str, Any]]:
    """The rules by id, as they are written: also of a source that this version would not take any more."""
    value = read_document(source, "").value
    listed = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        return {}
    return {str(rule.get("id")): rule for rule in listed if isinstance(rule, dict)}


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name))


def _next_id(session: Session) -> str:
    """An id after that of the newest change, also where another machine made that and its clock is ahead of ours."""
    newest = session.exec(select(RuleSetChangeRow.id).order_by(col(RuleSetChangeRow.id).desc()).limit(1)).first()
    fresh = new_id()
    return fresh if newest is None or fresh > newest else f"{int(newest, 16) + 1:032x}"


def _change(row: RuleSetChangeRow, name: str) -> Change:
    return Change(row.id, row.digest, name, row.before, row.author, row.reason, row.origin, row.at)

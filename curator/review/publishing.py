"""Rules brought into force by people: published, or rolled back to; and how they stand."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from curator.admission import rejudgement
from curator.database.engine import Database
from curator.errors import BadInput, CuratorError
from curator.policy import drafts, rule_sets
from curator.policy.rule_sets import Change
from curator.policy.watch import standing
from curator.queue.celery import Sender
from curator.settings import Settings
from curator.types import check_no_secret
from rules.model import Policy, PolicyError, parse_policy

_LONGEST_REASON = 500


class RulesElsewhere(CuratorError):
    """Rules were to be published where they come from a file."""

    status = 409


class WrongRules(CuratorError):
    """Rules were to be published that cannot be used."""

    status = 422
    exit_code = 1


def status(session: Session, settings: Settings, database: Database) -> dict[str, Any]:
    """JSON: which rules are in force, what is wrong, and how far the rest is judged anew."""
    rules, last = standing(session, settings, database), rule_sets.last_change(session)
    row = rejudgement.newest(session)
    work: dict[str, Any] | None = None
    if row is not None:
        ended, said = row.ended_at is not None, rejudgement.summary(row)
        work = {"done": row.done, "total": row.total, "ended": ended, "sentence": said}
    return {
        "in_force": last.as_json() if last else None,
        "source": str(settings.rules) if settings.rules else None,
        "allowed": rules.allowed,
        "problem": rules.problem,
        "note": rules.note,
        "judged_anew": work,
    }


def publish(
    database: Database,
    sender: Sender,
    settings: Settings,
    *,
    source: str,
    file: str,
    author: str,
    reason: str,
    edited_from: str | None = None,
    draft_of: str | None = None,
) -> Change:
    """Bring rules into force, unless others have come into force since `edited_from` did; the draft of whoever
    publishes is done with.

    Raises `RulesElsewhere`, `WrongRules`, `ChangedMeanwhile`, and `BadInput` without a reason or if they are already.
    """
    if settings.rules is not None:
        raise RulesElsewhere(
            f"The rules of this mirror come from {settings.rules}, which is watched: change them there, or go back "
            "to earlier ones with `curator rules rollback`"
        )
    policy, reason = _read(source, file), checked_reason(reason)
    with database.write() as session:
        drafts.unchanged_since(edited_from, rule_sets.in_force(session))
        done = rule_sets.publish(session, policy, author=author, reason=reason, origin=rule_sets.COMMAND)
        if done is None:
            raise BadInput(f"These rules ({policy.digest[:12]}) are in force already")
        if draft_of is not None and drafts.draft_of(session, draft_of) is not None:
            drafts.discard(session, draft_of)
    sender.send(done[1])
    return done[0]


def roll_back(database: Database, sender: Sender, *, digest: str, author: str, reason: str) -> Change:
    """Bring rules into force again that were before. Raises what `rule_sets.roll_back` does, and `BadInput`."""
    reason = checked_reason(reason)
    with database.write() as session:
        done, works = rule_sets.roll_back(session, digest, author=author, reason=reason)
    sender.send(works)
    return done


def checked_reason(text: str) -> str:
    """Why, in one line. Raises `BadInput`."""
    reason = " ".join(text.split())
    if not reason:
        raise BadInput("A change of rules wants a reason, which is kept with it")
    if len(reason) > _LONGEST_REASON:
        raise BadInput(f"The reason is too long: say it in {_LONGEST_REASON} characters at most")
    return check_no_secret("reason", reason)


def _read(source: str, file: str) -> Policy:
    try:
        return parse_policy(source, file)
    except PolicyError as error:
        raise WrongRules(f"The rules are not published, because they cannot be used:\n{error}") from None

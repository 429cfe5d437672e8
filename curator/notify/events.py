"""From the record to what people are told: pure, one event in, the notices of it out.

A repository's name, a reason and whatever else comes from outside stands in subjects and texts as one line of printable
letters: nothing in it ends a header, a line or a message.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.notify.kinds import NoticeType

SCHEMA = "curator.notice/1"
ALL, OVERSEERS, MANAGERS = "all", "overseers", "managers"
_LONGEST_LINE = 400
_LONGEST_TITLE = 140
_MOST_USERS = 100


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who pulled a commit."""

    team: str
    project: str
    token: str
    last_at: dt.datetime | None = None
    job: str = ""

    def as_json(self) -> dict[str, Any]:
        last = self.last_at.isoformat(timespec="seconds") if self.last_at else None
        return {"team": self.team, "project": self.project, "token": self.token, "last_at": last, "job": self.job}


@dataclass(frozen=True, slots=True)
class Known:
    """What an event's row does not say itself."""

    users: Sequence[User] = ()
    """Who pulled what is not allowed any more."""
    people: Sequence[str] = ()
    """Who asked for what is decided, or gave what is about to end."""
    seen_before: bool = False
    """That the same was decided about the commit before, for the same."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice before it is kept."""

    type: NoticeType
    at: dt.datetime
    audience: str
    title: str
    lines: tuple[str, ...]
    """Of the text, after the title."""
    path: str
    data: Mapping[str, Any] = field(default_factory=dict)
    ref: str = ""
    alone: bool = False
    """That it is never gathered into one with others."""

    def document(self, notice_id: str, url: str) -> dict[str, Any]:
        """JSON that receivers get."""
        return {
            "schema": SCHEMA,
            "id": notice_id,
            "type": self.type.value,
            "timestamp": self.at.isoformat(timespec="seconds"),
            "title": self.title,
            "text": "\n".join(self.lines),
            "link": f"{url}{self.path}",
            "data": dict(self.data),
        }

    @property
    def body(self) -> str:
        return "\n".join((self.title, "", *self.lines))


def notices_of(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """What people are told of an event: nothing, one notice, or one for each of those that may know different parts."""
    action = row.action
    if action == Action.DECIDE:
        kind = {"hold": NoticeType.HELD, "block": NoticeType.BLOCKED}.get(row.outcome)
        return () if kind is None or known.seen_before else (_decided(row, kind, known),)
    if action == Action.CHANGE:
        return _changed(row, known)
    if action == Action.INCIDENT:
        return {"block": _reversed, "lift": _lifted}.get(row.outcome, _nothing)(row, known)
    if action == Action.ANSWER:
        return _answered(row, known)
    one = {
        Action.REQUEST.value: _asked,
        Action.WAIVER_ENDING.value: _ending,
        Action.RULES.value: _rules,
        Action.SCANNERS.value: _scanners,
        Action.HEALTH.value: _health,
        Action.NOTIFY.value: _of_webhook,
    }.get(action)
    draft = one(row, known) if one is not None else None
    return () if draft is None else (draft,)


def matters(row: AuditRow) -> bool:
    """Whether anybody may have to be told: most of the record is downloads."""
    return row.action in _TOLD


def was_allowed(row: AuditRow) -> bool:
    """Whether a change is one of what was allowed until then (`admission.judge.record_change` writes it so)."""
    return (row.sentence or "").startswith("allowed")


def line(text: object, most: int = _LONGEST_LINE) -> str:
    """One line of printable letters, whatever it was."""
    plain = "".join(letter if letter.isprintable() else " " for letter in str(text))
    plain = " ".join(plain.split())
    return plain if len(plain) <= most else plain[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def commit_of(row: AuditRow) -> str:
    """The repository, and the start of the commit."""
    kind = f"{row.kind} " if row.kind not in {"", "model"} else ""
    return f"{kind}{line(row.repo, 100)}{f'@{row.commit[:8]}' if row.commit else ''}"


def _changed(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    if row.outcome == "allow":
        return () if was_allowed(row) else (_decided(row, NoticeType.RELEASED, known),)
    if was_allowed(row):
        return _reversed(row, known)
    kind = NoticeType.BLOCKED if row.outcome == "block" else NoticeType.HELD
    return (_decided(row, kind, known),)


def _decided(row: AuditRow, kind: NoticeType, known: Known) -> Draft:
    del known
    said = {NoticeType.HELD: "is held", NoticeType.BLOCKED: "is blocked", NoticeType.RELEASED: "may be used now"}[kind]
    whom = f" for the team {row.team}" if row.team else ""
    return Draft(
        kind,
        row.at,
        f"team:{row.team}" if row.team else ALL,
        line(f"{commit_of(row)} {said}{whom}", _LONGEST_TITLE),
        tuple(_begun(line(one)) for one in (row.sentence, _by_rules(row)) if one),
        _decision_path(row),
        _subject(row),
    )


def _reversed(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """One for those who see everything, and one for each team that pulled it, with its own uses and no other's."""
    said = {"hold": "held", "block": "blocked"}.get(row.outcome, "not served")
    whom = f" for the team {row.team}" if row.team else ""
    what = commit_of(row) if row.repo else line(f"the content {row.blob}" if row.blob else "something", 90)
    incident = row.action == Action.INCIDENT
    title = line(f"Not allowed any more: {what} is {said} from now on{whom}", _LONGEST_TITLE)
    if incident:
        title = line(f"Withdrawn after it was served: {what}", _LONGEST_TITLE)
    why = tuple(_begun(line(one)) for one in (row.sentence, _by_rules(row)) if one)
    path = f"/-/incidents/{row.subject}" if incident and row.subject else _decision_path(row)
    todo = ("What to do: curator incident affected --purge, on each machine that has it.", "") if incident else ()
    teams = tuple(dict.fromkeys(user.team for user in known.users if user.team))

    def draft(audience: str, users: Sequence[User]) -> Draft:
        data = _subject(row) | {"used_by": [user.as_json() for user in users[:_MOST_USERS]], "uses": len(users)}
        return Draft(
            NoticeType.REVERSED,
            row.at,
            audience,
            title,
            (*why, "", *todo, *_used(users)),
            path,
            data,
            row.subject or "",
            alone=incident,
        )

    return (
        draft(OVERSEERS, known.users),
        *(draft(f"team:{team}", [user for user in known.users if user.team == team]) for team in teams),
        *(draft(f"person:{name}", [user for user in known.users if user.token == name]) for name in _alone(row, known)),
    )


def _alone(row: AuditRow, known: Known) -> tuple[str, ...]:
    """Those who pulled it and have no team that could be told."""
    if row.action != Action.INCIDENT:
        return ()
    return tuple(dict.fromkeys(user.token for user in known.users if not user.team))[:_MOST_USERS]


def _lifted(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """Whoever was told that it was withdrawn hears that it is not any more."""
    teams = dict.fromkeys(f"team:{user.team}" for user in known.users if user.team)
    title = line(f"Not withdrawn any more: {commit_of(row) if row.repo else line(row.blob or '', 80)}", _LONGEST_TITLE)
    lines = (_begun(line(row.sentence or "")), "It is judged anew, and served if the rules and lists allow it.")
    path, data = f"/-/incidents/{row.subject}", _subject(row)
    return tuple(
        Draft(NoticeType.RELEASED, row.at, audience, title, lines, path, data, row.subject or "", alone=True)
        for audience in (OVERSEERS, *teams, *(f"person:{name}" for name in _alone(row, known)))
    )


def _nothing(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    del row, known
    return ()


def _used(users: Sequence[User]) -> tuple[str, ...]:
    if not users:
        return ("Nobody has pulled it here.",)
    more = f"and {len(users) - _MOST_USERS} more" if len(users) > _MOST_USERS else ""
    head = "It was pulled by these, whose machines may still have it: what is pinned and cached asks nobody again."
    told = (
        f"- {line(user.team or 'no team', 64)}, {line(user.project or 'no project', 64)}: token {line(user.token, 100)}"
        + (f", last on {user.last_at:%Y-%m-%d}" if user.last_at else "")
        + (f", in {line(user.job, 120)}" if user.job else "")
        for user in users[:_MOST_USERS]
    )
    return (head, *told, *filter(None, (more,)))


def _asked(row: AuditRow, known: Known) -> Draft | None:
    del known
    if row.outcome in {"withdraw", "expire", "overtake"}:
        return None
    return Draft(
        NoticeType.ASKED,
        row.at,
        OVERSEERS,
        line(f"{row.actor} asks for an exception: {commit_of(row)}", _LONGEST_TITLE),
        tuple(line(one) for one in (row.sentence,) if one),
        f"/-/review/{row.subject}" if row.subject else "/-/review",
        _subject(row) | {"request": row.subject, "asked_by": row.actor, "team": row.team, "project": row.project},
        row.subject or "",
    )


_ANSWERS = {
    "approve": "is approved: the same command works now",
    "reject": "is rejected",
    "ask": "has a question back",
    "question": "has a question back",
    "second": "has its first approval, and waits for a second",
}


def _answered(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """One for each who asked."""
    return tuple(_answer_for(row, name) for name in known.people)


def _answer_for(row: AuditRow, name: str) -> Draft:
    said = _ANSWERS.get(row.outcome, f"is answered ({line(row.outcome, 40)})")
    return Draft(
        NoticeType.DECIDED,
        row.at,
        f"person:{name}",
        line(f"Your request for {commit_of(row)} {said}", _LONGEST_TITLE),
        (line(f"{row.actor} answered: {row.sentence or 'no reason was given'}"),),
        f"/-/requests/{row.subject}" if row.subject else "/-/requests",
        _subject(row) | {"request": row.subject, "answer": row.outcome, "by": row.actor, "asked_by": name},
        row.subject or "",
    )


def _ending(row: AuditRow, known: Known) -> Draft | None:
    return Draft(
        NoticeType.ENDING,
        row.at,
        OVERSEERS,
        line(f"About to end: {row.outcome} for {commit_of(row)}", _LONGEST_TITLE),
        (
            line(row.sentence or ""),
            "What rests on it is held or blocked again from then on: give it anew if it is still wanted.",
        ),
        "/-/review",
        _subject(row) | {"id": row.subject, "given_by": next(iter(known.people), "")},
        row.subject or "",
    )


def _rules(row: AuditRow, known: Known) -> Draft | None:
    del known
    title = "Other rules are in force" if row.outcome == "in-force" else "What was decided before is judged anew"
    return Draft(
        NoticeType.RULES,
        row.at,
        ALL,
        title,
        (line(row.sentence or ""), *((f"By {line(row.actor, 100)}.",) if row.actor != "curator" else ())),
        "/-/rules",
        {"rules": row.rules, "outcome": row.outcome, "by": row.actor},
    )


def _scanners(row: AuditRow, known: Known) -> Draft | None:
    del known
    title = "Other scanners, or other data of theirs, judge from now on"
    return Draft(NoticeType.SCANNERS, row.at, ALL, title, (line(row.sentence or ""),), "/-/", {"version": row.subject})


_HEALTH = {
    ("upstream", "bad"): (NoticeType.UPSTREAM_DOWN, "The Hub cannot be reached"),
    ("upstream", "good"): (NoticeType.UPSTREAM_BACK, "The Hub can be reached again"),
    ("disk", "bad"): (NoticeType.DISK_LOW, "A disk of the mirror is nearly full"),
    ("disk", "good"): (NoticeType.DISK_ENOUGH, "The mirror's disk has room again"),
    ("workers", "bad"): (NoticeType.SERVICE_STUCK, "Nothing is being judged: no worker takes what waits"),
    ("workers", "good"): (NoticeType.SERVICE_WORKS, "The workers are back"),
}


def _health(row: AuditRow, known: Known) -> Draft | None:
    del known
    name = (row.subject or "").partition(":")[0]
    found = _HEALTH.get((name, row.outcome))
    if found is None:
        return None
    kind, title = found
    audience = ALL if name == "upstream" else OVERSEERS
    return Draft(kind, row.at, audience, title, (line(row.sentence or ""),), "/-/", {"subject": row.subject})


def _of_webhook(row: AuditRow, known: Known) -> Draft | None:
    del known
    found = {
        "failing": (NoticeType.WEBHOOK_FAILING, "does not take notices"),
        "disabled": (NoticeType.WEBHOOK_DISABLED, "is switched off, since it took nothing for days"),
    }.get(row.outcome)
    if found is None:
        return None
    kind, said = found
    title = line(f"The webhook {row.subject} {said}", _LONGEST_TITLE)
    return Draft(
        kind, row.at, MANAGERS, title, (line(row.sentence or ""),), "/-/notices/webhooks", {"webhook": row.subject}
    )


def _subject(row: AuditRow) -> dict[str, Any]:
    return {
        "kind": row.kind or None,
        "repository": row.repo or None,
        "commit": row.commit,
        "outcome": row.outcome,
        "decision": row.decision,
        "rules": row.rules.split(",") if row.rules else [],
        "team": row.team,
        "project": row.project,
        "reason": row.sentence,
    }


def _begun(sentence: str) -> str:
    """As a sentence begins; a name that it begins with stays as it is."""
    first = sentence.partition(" ")[0]
    return sentence[:1].upper() + sentence[1:] if first.isalpha() and first.isascii() else sentence


def _by_rules(row: AuditRow) -> str:
    return f"Rules: {row.rules.replace(',', ', ')}." if row.rules else ""


def _decision_path(row: AuditRow) -> str:
    return f"/-/decisions/{row.decision}" if row.decision else "/-/"


_TOLD = frozenset(
    one.value
    for one in (
        Action.DECIDE,
        Action.CHANGE,
        Action.INCIDENT,
        Action.REQUEST,
        Action.ANSWER,
        Action.WAIVER_ENDING,
        Action.RULES,
        Action.SCANNERS,
        Action.HEALTH,
        Action.NOTIFY,
    )
)

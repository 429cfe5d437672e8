"""From the record to what people are told: pure, one event in, the notices of it out."""

from __future__ import annotations

from collections.abc import Sequence

from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.notify.answers import about_request, answered, ending
from curator.notify.drafts import (
    ALL,
    LONGEST_TITLE,
    MANAGERS,
    OVERSEERS,
    Draft,
    Known,
    User,
    begun,
    by_rules,
    commit_of,
    decision_path,
    line,
    subject_of,
)
from curator.notify.kinds import NoticeType

_MOST_USERS = 100


def notices_of(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """What people are told of an event: nothing, one notice, or one for each of those that may know different parts."""
    action = row.action
    if action == Action.DECIDE:
        kind = {"hold": NoticeType.HELD, "block": NoticeType.BLOCKED}.get(row.outcome)
        return () if kind is None or known.seen_before else (_decided(row, kind, known),)
    if action == Action.CHANGE:
        return _changed(row, known)
    if action == Action.INCIDENT:
        return _incident(row, known)
    if action == Action.ANSWER:
        return answered(row, known)
    if action == Action.REQUEST:
        return about_request(row, known)
    if action == Action.WAIVER_ENDING:
        return (_ending(row, known), *ending(row, known))
    one = {
        Action.RULES.value: _rules,
        Action.SCANNERS.value: _scanners,
        Action.HEALTH.value: _health,
        Action.NOTIFY.value: _of_webhook,
    }.get(action)
    draft = one(row, known) if one is not None else None
    return () if draft is None else (draft,)


def was_allowed(row: AuditRow) -> bool:
    """Whether a change is one of what was allowed until then (`admission.judge.record_change` writes it so)."""
    return (row.sentence or "").startswith("allowed")


def _changed(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    if row.outcome == "allow":
        return () if was_allowed(row) else (_decided(row, NoticeType.RELEASED, known),)
    if was_allowed(row):
        return () if known.of_incident else _reversed(row, known)
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
        line(f"{commit_of(row)} {said}{whom}", LONGEST_TITLE),
        tuple(begun(line(one)) for one in (row.sentence, by_rules(row)) if one),
        decision_path(row),
        subject_of(row),
    )


def _reversed(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """One for those who see everything, and one for each team that pulled it, with its own uses and no other's."""
    said = {"hold": "held", "block": "blocked"}.get(row.outcome, "not served")
    whom = f" for the team {row.team}" if row.team else ""
    what = _what(row)
    title = line(f"Not allowed any more: {what} is {said} from now on{whom}", LONGEST_TITLE)
    why = tuple(begun(line(one)) for one in (row.sentence, by_rules(row)) if one)
    return _to_users(row, known, NoticeType.REVERSED, title, why, decision_path(row))


def _to_users(
    row: AuditRow, known: Known, kind: NoticeType, title: str, why: Sequence[str], path: str
) -> tuple[Draft, ...]:
    by_team: dict[str, list[User]] = {}
    for user in known.users:
        by_team.setdefault(user.team, []).append(user)

    def draft(audience: str, users: Sequence[User]) -> Draft:
        data = subject_of(row) | {"used_by": [user.as_json() for user in users[:_MOST_USERS]], "uses": len(users)}
        if row.action == Action.INCIDENT:
            data |= {"incident": row.subject, "content": row.blob}
        return Draft(kind, row.at, audience, title, (*why, "", *_used(users)), path, data, row.subject or "")

    teams = (draft(f"team:{team}", users) for team, users in by_team.items() if team)
    alone: dict[str, list[User]] = {}
    if row.action == Action.INCIDENT:
        for user in by_team.get("", ())[:_MOST_USERS]:
            alone.setdefault(user.token, []).append(user)
    people = (draft(f"person:{name}", users) for name, users in alone.items())
    return (draft(OVERSEERS, known.users), *teams, *people)


def _incident(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """That something is not served any more, or is decided about as before; how far teams are, its page says."""
    path = f"/-/incidents/{row.subject}" if row.subject else "/-/"
    why = (begun(line(row.sentence or "")),)
    if row.outcome == "block":
        title = line(f"Not allowed any more: {_what(row)} is withdrawn", LONGEST_TITLE)
        todo = "What to do on each machine that may have it: curator incident affected --purge"
        return _to_users(row, known, NoticeType.REVERSED, title, (*why, todo), path)
    if row.outcome == "lift":
        title = line(f"No longer withdrawn: {_what(row)} is decided about as before", LONGEST_TITLE)
        return _to_users(row, known, NoticeType.RELEASED, title, why, path)
    return ()


def _what(row: AuditRow) -> str:
    publisher, _, rest = row.repo.partition("/")
    if rest == "*":
        return f"everything of {line(publisher, 96)}"
    if row.repo:
        return commit_of(row)
    return f"a content ({line(row.blob, 20)})" if row.blob else line(row.subject or "something", 80)


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


def _ending(row: AuditRow, known: Known) -> Draft:
    return Draft(
        NoticeType.ENDING,
        row.at,
        OVERSEERS,
        line(f"About to end: {row.outcome} for {commit_of(row)}", LONGEST_TITLE),
        (
            line(row.sentence or ""),
            "What rests on it is held or blocked again from then on: give it anew if it is still wanted.",
        ),
        "/-/review",
        subject_of(row) | {"id": row.subject, "given_by": next(iter(known.people), "")},
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
    ("record", "bad"): (NoticeType.RECORD_BROKEN, "The record is not as it was written"),
    ("record", "good"): (NoticeType.RECORD_WHOLE, "The record was verified, and is whole"),
}


def _health(row: AuditRow, known: Known) -> Draft | None:
    del known
    name = (row.subject or "").partition(":")[0]
    found = _HEALTH.get((name, row.outcome))
    if found is None:
        return None
    kind, title = found
    audience = ALL if name == "upstream" else OVERSEERS
    path = "/-/activity" if name == "record" else "/-/"
    return Draft(kind, row.at, audience, title, (line(row.sentence or ""),), path, {"subject": row.subject})


def _of_webhook(row: AuditRow, known: Known) -> Draft | None:
    del known
    found = {
        "failing": (NoticeType.WEBHOOK_FAILING, "does not take notices"),
        "disabled": (NoticeType.WEBHOOK_DISABLED, "is switched off, since it took nothing for days"),
    }.get(row.outcome)
    if found is None:
        return None
    kind, said = found
    title = line(f"The webhook {row.subject} {said}", LONGEST_TITLE)
    return Draft(
        kind, row.at, MANAGERS, title, (line(row.sentence or ""),), "/-/notices/webhooks", {"webhook": row.subject}
    )


TOLD = frozenset(
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
"""What anybody may have to be told of: most of the record is downloads."""

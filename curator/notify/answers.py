"""What is told of requests for exceptions: to reviewers that somebody asks, to whoever asked each answer, and how it
ended where nobody answered; to the mailbox of the team all of it."""

from __future__ import annotations

from collections.abc import Callable

from curator.audit.tables import AuditRow
from curator.notify.drafts import LONGEST_TITLE, OVERSEERS, Asker, Draft, Known, commit_of, line, subject_of
from curator.notify.kinds import NoticeType
from curator.review.states import Step

_ASKED = {
    Step.ASK.value: "{actor} asks for an exception: {commit}",
    Step.JOIN.value: "{actor} asks for the exception, too: {commit}",
    Step.REPLY.value: "{actor} has answered a question: {commit}",
}
_OVER = {
    Step.EXPIRE.value: "has ended without an answer",
    Step.OVERTAKE.value: "is not needed any more: the same command works now",
}
_WHAT_NOW = {
    Step.EXPIRE.value: "Ask again if it is still wanted.",
    Step.OVERTAKE.value: "Ask again if it must be another commit than that.",
}
_ANSWERS = {
    Step.APPROVE.value: "is approved: the same command works now",
    Step.APPROVE_IN_PART.value: "is approved in part, and is not served yet",
    Step.REJECT.value: "is rejected",
    Step.BLOCK.value: "is rejected: it is blocked for everybody",
    "ask": "has a question back: answer it, or it waits for you",
    Step.SECOND.value: "has an approval, and waits for another reviewer",
    "lapse": "did not get its second approval in time, and waits for a reviewer again",
}
_NOT_AGREED = "did not get its second approval, and waits for a reviewer again"


def about_request(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """Somebody asks, adds something, or wants it no longer; or it has ended by itself."""
    if row.outcome in _ASKED:
        return _asked(row, known)
    if row.outcome in _OVER:
        sentence = line(row.sentence or "")
        lines = (f"{sentence.rstrip('.')}.", _WHAT_NOW[row.outcome]) if sentence else (_WHAT_NOW[row.outcome],)
        return _to_each(row, known, NoticeType.OVER, lambda _: (_OVER[row.outcome], lines))
    if row.outcome == Step.WITHDRAW:
        return _withdrawn(row, known)
    return ()


def answered(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """One for each who asked."""
    sentence = row.sentence or "no reason was given"
    by = "" if sentence.startswith(f"{row.actor} ") or row.actor == "curator" else f"{row.actor}: "

    def said(asker: Asker) -> tuple[str, tuple[str, ...]]:
        words = _ANSWERS.get(row.outcome, f"is answered ({line(row.outcome, 40)})")
        if row.outcome == Step.REJECT and row.subject != asker.request:
            # The answer is about what a reviewer had proposed, and the request goes on.
            words = _NOT_AGREED
        return words, (line(f"{by}{sentence}"),)

    return _to_each(row, known, NoticeType.DECIDED, said)


def ending(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """What was given is about to end: to whoever asked for it."""
    then = "The same command is refused again from then on: ask anew if you still want it."
    lines = (line(row.sentence or ""), then)
    return _to_each(row, known, NoticeType.RUNS_OUT, lambda _: ("was granted, and that is about to end", lines))


def _asked(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """For reviewers, and for the team's mailbox."""
    title = line(_ASKED[row.outcome].format(actor=line(row.actor, 60), commit=commit_of(row)), LONGEST_TITLE)
    lines = tuple(line(one) for one in (row.sentence,) if one)
    data = subject_of(row) | {"request": row.subject, "asked_by": row.actor, "team": row.team, "project": row.project}

    def draft(audience: str, path: str) -> Draft:
        return Draft(NoticeType.ASKED, row.at, audience, title, lines, path, data, row.subject or "")

    reviewers = draft(OVERSEERS, f"/-/review/{known.item}" if known.item else "/-/review")
    boxes = (draft(f"mailbox:{team}", f"/-/requests/{row.subject}") for team in known.mailboxes)
    return (reviewers, *boxes)


def _withdrawn(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """To those who want it still; to the mailbox when nobody does."""
    if known.askers:
        words = f"goes on without {line(row.actor, 60)}"
        lines = (f"{line(row.actor, 60)} wants it no longer; it waits for a reviewer as before.",)
        return tuple(_draft(row, one, NoticeType.OVER, f"person:{one.name}", words, lines) for one in known.askers)
    lines = (f"{line(row.actor, 60)} wants it no longer, and nobody else does.",)
    nobody = Asker(row.actor, row.subject or "", row.team)
    return tuple(
        _draft(row, nobody, NoticeType.OVER, f"mailbox:{team}", "was withdrawn", lines) for team in known.mailboxes
    )


def _to_each(
    row: AuditRow, known: Known, kind: NoticeType, said: Callable[[Asker], tuple[str, tuple[str, ...]]]
) -> tuple[Draft, ...]:
    """To each who asked; and of each request once to the mailbox of its team."""
    drafts = [_draft(row, asker, kind, f"person:{asker.name}", *said(asker)) for asker in known.askers]
    first = {asker.request: asker for asker in reversed(known.askers)}
    drafts += [
        _draft(row, asker, kind, f"mailbox:{asker.team}", *said(asker))
        for asker in first.values()
        if asker.team in known.mailboxes
    ]
    return tuple(drafts)


def _draft(row: AuditRow, asker: Asker, kind: NoticeType, audience: str, words: str, lines: tuple[str, ...]) -> Draft:
    whose = "Your request" if audience.startswith("person:") else f"The request of {line(asker.name, 60)}"
    what = asker.commit or commit_of(row)
    data = subject_of(row) | {
        "request": asker.request,
        "answer": row.outcome,
        "by": row.actor,
        "asked_by": asker.name,
        "team": asker.team or row.team,
    }
    title = line(f"{whose} for {line(what, 110)} {words}", LONGEST_TITLE)
    return Draft(kind, row.at, audience, title, lines, f"/-/requests/{asker.request}", data, asker.request)

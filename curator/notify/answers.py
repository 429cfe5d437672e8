"""What is told of requests for exceptions: to reviewers that somebody asks, to whoever asked each answer."""

from __future__ import annotations

from curator.audit.tables import AuditRow
from curator.notify.drafts import LONGEST_TITLE, OVERSEERS, Asker, Draft, Known, commit_of, line, subject_of
from curator.notify.kinds import NoticeType
from curator.review.states import Step

_ASKED = {
    Step.ASK.value: "{actor} asks for an exception: {commit}",
    Step.JOIN.value: "{actor} asks for the exception, too: {commit}",
    Step.REPLY.value: "{actor} has answered a question: {commit}",
}
_IN_PART = "is approved in part, and is not served yet"
_ANSWERS = {
    "approve": "is approved: the same command works now",
    "reject": "is rejected",
    "block": "is rejected: it is blocked for everybody",
    "ask": "has a question back: answer it, or it waits for you",
    "second": "has an approval, and waits for another reviewer",
}
_NOT_AGREED = "did not get its second approval, and waits for a reviewer again"


def asked(row: AuditRow, known: Known) -> Draft | None:
    """For reviewers; what ends by itself they need not be told of."""
    said = _ASKED.get(row.outcome)
    if said is None:
        return None
    return Draft(
        NoticeType.ASKED,
        row.at,
        OVERSEERS,
        line(said.format(actor=line(row.actor, 60), commit=commit_of(row)), LONGEST_TITLE),
        tuple(line(one) for one in (row.sentence,) if one),
        f"/-/review/{known.item}" if known.item else "/-/review",
        subject_of(row) | {"request": row.subject, "asked_by": row.actor, "team": row.team, "project": row.project},
        row.subject or "",
    )


def answered(row: AuditRow, known: Known) -> tuple[Draft, ...]:
    """One for each who asked."""
    return tuple(_for(row, asker) for asker in known.askers)


def _for(row: AuditRow, asker: Asker) -> Draft:
    sentence = row.sentence or "no reason was given"
    said = _ANSWERS.get(row.outcome, f"is answered ({line(row.outcome, 40)})")
    if row.outcome == "approve" and " now, for " in sentence and " allowed now, for " not in sentence:
        said = _IN_PART
    if row.outcome == "reject" and row.subject != asker.request:
        # The answer is about what a reviewer had proposed, and the request goes on.
        said = _NOT_AGREED
    by = "" if sentence.startswith(f"{row.actor} ") else f"{row.actor}: "
    return Draft(
        NoticeType.DECIDED,
        row.at,
        f"person:{asker.name}",
        line(f"Your request for {commit_of(row)} {said}", LONGEST_TITLE),
        (line(f"{by}{sentence}"),),
        f"/-/requests/{asker.request}",
        subject_of(row) | {"request": asker.request, "answer": row.outcome, "by": row.actor, "asked_by": asker.name},
        asker.request,
    )

"""What a reviewer reads of a line before he decides, on one page: what is otherwise than in what was approved last, why
it is refused, on what evidence, who wants it and what for, and who uses it already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from curator.admission import decisions, dossier
from curator.admission.decisions import Ruling
from curator.admission.difference import Difference
from curator.admission.dossier import FoundThing, Lineage
from curator.audit.uses import Use, users_of
from curator.review import proposals, queue, requests, waiting
from curator.review.proposals import Proposal
from curator.review.queue import Line, NotWaiting
from curator.review.request import KeptRequest
from curator.review.waiting import silent
from curator.review.waiving import standing_against
from rules.circumstances import Audience
from rules.evaluate import Reason
from rules.facts import Facts

_MOST_FINDINGS = 30
_MOST_USES = 12


@dataclass(frozen=True, slots=True)
class Card:
    """All of it."""

    line: Line
    ruling: Ruling
    facts: Facts
    against: tuple[Reason, ...]
    """What stands against it."""
    beside: tuple[Reason, ...]
    """What else rules have said: warnings, what is waived or only tried."""
    difference: Difference | None
    """From the commit that was approved last; None if none ever was."""
    evidence: tuple[FoundThing, ...]
    """Findings that the reasons against it rest on, the worst first."""
    more_evidence: int
    other_findings: int
    """Found, too, and no rule is against it for them."""
    lineage: Lineage
    requests: tuple[KeptRequest, ...]
    silent: tuple[tuple[str, Audience], ...]
    """Who was refused and has said nothing."""
    uses: tuple[Use, ...]
    """Who was given files of any commit of it, the latest first."""
    more_uses: bool
    proposal: Proposal | None

    def as_json(self) -> dict[str, Any]:
        proposal, difference = self.proposal, self.difference
        return {
            "item": self.line.as_json(),
            "requests": [request.as_json() for request in self.requests],
            "silent": [{"name": name, "team": of.team, "project": of.project} for name, of in self.silent],
            "proposal": proposal.as_json() if proposal is not None else None,
            "reasons": [reason.as_json() for reason in self.ruling.decision.reasons],
            "against": [reason.rule for reason in self.against],
            "difference": difference.as_json() if difference is not None else None,
            "findings": [one.as_json() for one in self.evidence],
            "more_findings": self.more_evidence,
            "other_findings": self.other_findings,
            "licence": self.facts.license.model_dump(mode="json"),
            "lineage": self.lineage.as_json(),
            "owner": self.facts.owner.model_dump(mode="json") | {"known_publisher": self.facts.publisher_known},
            "standing": dossier.standing(self.facts),
            "uses": [use.as_json() for use in self.uses],
            "more_uses": self.more_uses,
        }


def card(session: Session, item_id: str, desk: dossier.Desk, *, review_hours: int) -> Card:
    """The card of a line, for whom `desk` says. Raises `NotWaiting`."""
    line = queue.find(session, item_id, review_hours=review_hours)
    found = decisions.find(session, line.decision)
    if found is None:
        raise NotWaiting(f"The decision about {line.commit} is not kept any more")
    ruling, facts = found
    repo = line.commit.repo
    against = standing_against(ruling.decision.reasons)
    resting = {one for reason in against for one in reason.fingerprints}
    things = dossier.findings_of(session, ruling, facts, desk)
    evidence = tuple(one for one in things if one.fingerprint in resting)[:_MOST_FINDINGS]
    found_in_all = [one.fingerprint in resting for file in facts.files for one in file.findings]
    uses = users_of(session, repo.kind, str(repo), limit=_MOST_USES + 1)
    return Card(
        line=line,
        ruling=ruling,
        facts=facts,
        against=against,
        beside=tuple(reason for reason in ruling.decision.reasons if reason not in against),
        difference=dossier.difference_to_approved(session, line.commit, desk),
        evidence=evidence,
        more_evidence=sum(found_in_all) - len(evidence),
        other_findings=len(found_in_all) - sum(found_in_all),
        lineage=dossier.lineage(facts),
        requests=tuple(requests.kept(session, waiting.open_of(session, repo))),
        silent=tuple((one.name, Audience(one.team, one.project)) for one in silent(session, repo)),
        uses=tuple(uses[:_MOST_USES]),
        more_uses=len(uses) > _MOST_USES,
        proposal=proposals.of_item(session, line.id),
    )

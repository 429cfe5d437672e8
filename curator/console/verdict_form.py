"""The form of a reviewer's answer: what is in it, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.datastructures import FormData

from curator.policy.word import checked_scope
from curator.review.verdicts import Answer, Reach, Verdict, end_of, usual_reach
from rules.circumstances import Audience

ENDS = (("30d", "30 days"), ("90d", "90 days"), ("365d", "1 year"))


@dataclass(slots=True)
class Fields:
    """As they stand in the form."""

    reason: str = ""
    reach: str = ""
    """Empty: as it is usual (`usual_reach`)."""
    teams: str = ""
    projects: str = ""
    until: str = ""
    rules: list[str] = field(default_factory=list)
    partly: bool = False

    @classmethod
    def of(cls, form: FormData) -> Fields:
        return cls(
            reason=str(form.get("reason", ""))[:4_000],
            reach=str(form.get("reach", "")),
            teams=str(form.get("teams", ""))[:1_000],
            projects=str(form.get("projects", ""))[:1_000],
            until=(str(form.get("until_day", "")) or str(form.get("until", "")))[:64],
            rules=[str(rule)[:80] for rule in form.getlist("rule")][:100],
            partly=form.get("partly") == "yes",
        )

    @classmethod
    def usual(cls, wait: frozenset[Audience], days: int) -> Fields:
        """For whoever waits, where they are of one team or project; the usual time."""
        only = next(iter(wait)) if len(wait) == 1 else Audience()
        return cls(teams=only.team, projects=only.project, until=f"{days}d")

    def verdict(self, answer: Answer, by: str, usual_days: int) -> Verdict:
        """What is said with it. Raises `BadWord`."""
        blocks = answer is Answer.BLOCK
        rules = () if blocks else tuple(self.rules)
        said = self.reach in {one.value for one in Reach}
        return Verdict(
            answer=answer,
            reason=self.reason,
            by=by,
            reach=Reach(self.reach) if said else usual_reach(answer, rules),
            # What is blocked is blocked for everybody, until somebody takes it back.
            scope=checked_scope((), ()) if blocks else checked_scope(_names(self.teams), _names(self.projects)),
            expires_at=None if blocks else end_of(self.until, usual_days),
            rules=rules,
            partly=self.partly,
        )


def _names(text: str) -> list[str]:
    return [name for name in text.replace(",", " ").split() if name]

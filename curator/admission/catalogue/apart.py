"""What holds for those whom the rules tell apart, of what was decided for everybody.

Whoever asks has a decision of his own made, from the same facts. A list cannot wait for that: here the rules are asked
beforehand, for lists alone, and whom the same rules, waivers and entries mean share what they answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import delete
from sqlmodel import Session, and_, col, or_, select

from curator.admission.catalogue.keep import deciding_rule
from curator.admission.catalogue.tables import CatalogueApartRow, CatalogueRow
from curator.admission.tables import FactsRow
from curator.database.engine import Database, now
from curator.database.generation import changed
from curator.people.tables import ProjectRow, TeamRow, TokenRow
from curator.policy.in_force import InForce, NothingInForce, RulesInForce
from curator.upkeep import keep_doing
from rules.circumstances import EVERYBODY, Audience, Scope
from rules.evaluate import evaluate
from rules.facts import Facts
from scanners.finding import SCANNER_VERSION

_AT_ONCE = 50
_LOOK_EVERY_S = 5.0
_PAUSE_S = 0.02


def mark_of(rules: InForce, audience: Audience) -> str:
    """What these are told apart by, as a digest; empty if by nothing. Of several with the same, one is asked for."""
    if audience == EVERYBODY:
        return ""
    by = [
        *(one.rule.id for one in rules.policy.rules if _tells(one.scope, audience)),
        *(one.id for one in rules.circumstances.waivers if _tells(one.scope, audience)),
        *(one.id for one in rules.circumstances.entries if _tells(one.scope, audience)),
    ]
    return sha256("\n".join([rules.digest, SCANNER_VERSION, *sorted(by)]).encode()).hexdigest() if by else ""


async def keep_apart(database: Database, rules: RulesInForce) -> None:
    """Until cancelled; one process of a server does."""
    wrote = False

    def step() -> float:
        nonlocal wrote
        try:
            more = fill_apart(database, rules.now())
        except NothingInForce:
            # Nothing holds for anybody.
            return _LOOK_EVERY_S
        if wrote and not more:
            # What was counted before knows nothing of it.
            _tell(database)
        wrote = more
        return _PAUSE_S if more else _LOOK_EVERY_S

    await keep_doing(step, "what holds for teams cannot be worked out")


def fill_apart(database: Database, rules: InForce) -> bool:
    """Ask the rules of some lines of the catalogue for whom they tell apart; whether there may be more."""
    with database.read() as session:
        marks = _marks(session, rules)
        lines = next(((mark, some) for mark in marks if (some := _missing(session, rules, mark))), None)
        stale = session.exec(
            select(CatalogueApartRow.mark).where(col(CatalogueApartRow.mark).not_in(list(marks))).limit(1)
        ).first()
        made = [] if lines is None else list(_asked(session, rules, lines[0], marks[lines[0]], lines[1]))
    if not made and stale is None:
        return False
    with database.write() as session:
        if stale is not None:
            session.execute(delete(CatalogueApartRow).where(col(CatalogueApartRow.mark) == stale))
        for row in made:
            session.merge(row)
    return True


def _tell(database: Database) -> None:
    with database.write() as session:
        changed(session)


def _tells(scope: Scope, audience: Audience) -> bool:
    return scope.covers(audience) != scope.covers(EVERYBODY)


def _marks(session: Session, rules: InForce) -> dict[str, Audience]:
    """Of all teams and projects that somebody may ask for, one for each way to be told apart."""
    asking = {(team, "") for team in session.exec(select(TeamRow.name).where(col(TeamRow.ended_at).is_(None)))}
    asking |= set(session.exec(select(ProjectRow.team, ProjectRow.name).where(col(ProjectRow.ended_at).is_(None))))
    valid = select(TokenRow.team, TokenRow.project).where(col(TokenRow.revoked_at).is_(None)).distinct()
    asking |= {(team, project) for team, project in session.exec(valid)}
    found: dict[str, Audience] = {}
    for team, project in sorted(asking):
        audience = rules.audience(Audience(team, project))
        if mark := mark_of(rules, audience):
            found.setdefault(mark, audience)
    return found


def _missing(session: Session, rules: InForce, mark: str) -> list[CatalogueRow]:
    """Lines whose decision for everybody holds, and of which the rules were not asked for these."""
    row, known = CatalogueRow, CatalogueApartRow
    asked = and_(
        col(known.mark) == mark,
        col(known.kind) == row.kind,
        col(known.repo) == row.repo,
        col(known.decision) == row.decision,
    )
    return list(
        session.exec(
            select(row)
            .outerjoin(known, asked)
            .where(
                row.audience == "",
                row.rule_set == rules.digest,
                row.scanner == SCANNER_VERSION,
                or_(col(row.expires_at).is_(None), col(row.expires_at) > now()),
                or_(col(known.mark).is_(None), col(known.expires_at) <= now()),
            )
            .limit(_AT_ONCE)
        )
    )


def _asked(
    session: Session, rules: InForce, mark: str, audience: Audience, lines: Iterable[CatalogueRow]
) -> Iterable[CatalogueApartRow]:
    circumstances = replace(rules.circumstances, audience=audience)
    for line in lines:
        facts = Facts.from_json(json.loads(session.get_one(FactsRow, line.facts_id).facts))
        decision = evaluate(rules.policy, facts.model_copy(update={"observed_at": now()}), circumstances, brief=True)
        yield CatalogueApartRow(
            mark=mark,
            kind=line.kind,
            repo=line.repo,
            decision=line.decision,
            outcome=decision.outcome.value,
            rule=deciding_rule(decision),
            left_out=len(decision.excluded_files),
            expires_at=decision.until,
        )

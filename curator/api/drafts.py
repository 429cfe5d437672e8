"""Drafts of rules: kept, checked, tested and tried before anything changes."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from curator.api.documents import rules as documents
from curator.api.words import Desk, page_json
from curator.errors import BadInput
from curator.people.roles import Permission
from curator.policy import drafts, rule_sets
from curator.review import drafting, ruling
from curator.review.consequences import consequences
from curator.review.replay import trials
from curator.review.replay.run import LONGEST_SOURCE, Wanted
from curator.review.replay.run import read_draft as read_policy
from curator.web.documents import problems
from curator.web.guard import May, RuleTrier
from curator.web.in_turn import in_turn
from curator.web.parameters import After, Id, PageSize
from rules.editing import CannotEdit, with_dry_run

Source = Annotated[str, Field(min_length=1, max_length=LONGEST_SOURCE, description="Rules, as YAML.")]


class Text(BaseModel):
    """A draft."""

    model_config = ConfigDict(extra="forbid")

    source: Source


class WantedDraft(Text):
    """A draft that is to be kept."""

    edited_from: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """The digest of the rules that it was begun from; None: those in force."""


class DryRun(Text):
    """Whether a rule is to be tried only."""

    rule: Annotated[str, Field(min_length=1, max_length=80)]
    on: bool


class WantedTrial(Text):
    """What is to be tried, and on what."""

    days: Annotated[float, Field(gt=0, le=3_650)] = 90.0
    catalogue: bool = False
    against: Annotated[str, Field(min_length=8, max_length=64, pattern="^[0-9a-f]+$")] | None = None


def draft_routes(desk: Desk) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1/rules", tags=["rules"])

    @router.get(
        "/in-force",
        operation_id="list_rules",
        response_model=documents.RulesInForce,
        dependencies=[Depends(May(Permission.PULL))],
        responses=problems(404),
    )
    async def in_force() -> dict[str, Any]:
        """Show the rules in force one by one, what each asks, and how often it refused something of late."""
        found = await desk.database.ask(ruling.in_force)
        if found is None:
            raise rule_sets.NoRuleSet("No rules are in force: publish some")
        return found.as_json()

    @router.post("/check", operation_id="check_rules", response_model=documents.RulesChecked)
    async def check(wanted: Text, caller: RuleTrier) -> dict[str, Any]:
        """Say what is wrong with a draft, and what is doubtful, with line and column; nothing changes."""
        del caller
        return (await in_turn(drafting.check, wanted.source)).as_json()

    @router.post("/test", operation_id="run_rule_tests", response_model=documents.RulesTested)
    async def test(wanted: Text, caller: RuleTrier) -> dict[str, Any]:
        """Run the tests that stand in a draft; nothing changes."""
        del caller
        policy = await in_turn(read_policy, wanted.source)
        return (await desk.database.ask(lambda session: drafting.test(session, policy))).as_json()

    @router.post("/consequences", operation_id="preview_rules", response_model=documents.Consequences)
    async def preview(wanted: Text, caller: RuleTrier) -> dict[str, Any]:
        """Say what would change if a draft were published: lines, rules, tests, and what its trials have shown."""
        del caller

        def look() -> dict[str, Any]:
            with desk.database.read() as session:
                return consequences(session, wanted.source).as_json()

        return await in_turn(look)

    @router.post("/dry-run", operation_id="edit_dry_run", response_model=documents.Edited)
    async def dry_run(wanted: DryRun, caller: RuleTrier) -> dict[str, Any]:
        """Give the text of a draft with one rule only tried, or enforced; nothing changes, nor else in the text."""
        del caller
        try:
            return {"source": await in_turn(with_dry_run, wanted.source, wanted.rule, on=wanted.on)}
        except CannotEdit as error:
            raise BadInput(f"It cannot be changed: {error}") from None

    @router.get("/draft", operation_id="get_draft", response_model=documents.Draft, responses=problems(404))
    async def get(caller: RuleTrier) -> dict[str, Any]:
        """Give your draft, with the rules that it was begun from."""
        who = drafts.whose(caller)
        found = await desk.database.ask(lambda session: drafts.draft_of(session, who))
        if found is None:
            raise drafts.NoDraft("You have no draft of rules here")
        return found.as_json()

    @router.put("/draft", operation_id="save_draft", response_model=documents.Draft)
    async def put(wanted: WantedDraft, caller: RuleTrier) -> dict[str, Any]:
        """Keep your draft, one a person, also where it is no rules yet; nothing comes into force."""
        who = drafts.whose(caller)

        def verb(session: Session) -> drafts.Draft:
            begun = wanted.edited_from or rule_sets.in_force(session) or ""
            return drafts.save(session, who, wanted.source, begun)

        return (await desk.database.change(verb)).as_json()

    @router.delete(
        "/draft", operation_id="discard_draft", response_model=documents.DraftDiscarded, responses=problems(404)
    )
    async def discard(caller: RuleTrier) -> dict[str, Any]:
        """Forget your draft."""
        who = drafts.whose(caller)
        await desk.database.change(lambda session: drafts.discard(session, who))
        return {"discarded": True}

    @router.get("/trials", operation_id="list_trials", response_model=documents.Trials)
    async def listed(caller: RuleTrier, after: After = None, limit: PageSize = 50) -> dict[str, Any]:
        """List the drafts that are tried or were, the newest first; results are with each alone."""
        del caller
        found = await desk.database.ask(lambda session: trials.listed(session, after, limit + 1))
        return page_json("trials", [one.as_json() | {"result": None} for one in found], limit)

    @router.post(
        "/trials",
        operation_id="try_rules",
        status_code=201,
        response_model=documents.OneTrial,
        responses=problems(404, 429),
    )
    async def begin(wanted: WantedTrial, caller: RuleTrier) -> dict[str, Any]:
        """Begin to try a draft, in the background: on what was asked for of late, or on the catalogue. One at a time;
        nothing changes."""
        asked = Wanted(wanted.source, wanted.days, wanted.catalogue, wanted.against)
        made = await asyncio.to_thread(trials.begin, desk.database, desk.settings.data, caller.name, asked)
        return {"trial": made.as_json()}

    @router.get("/trials/{trial_id}", operation_id="get_trial", response_model=documents.OneTrial)
    async def one(trial_id: Id, caller: RuleTrier) -> dict[str, Any]:
        """Say how far a trial is, and what came of it."""
        del caller
        return {"trial": (await desk.database.ask(lambda session: trials.find(session, trial_id))).as_json()}

    @router.delete("/trials/{trial_id}", operation_id="cancel_trial", response_model=documents.OneTrial)
    async def cancel(trial_id: Id, caller: RuleTrier) -> dict[str, Any]:
        """End a trial that is not wanted any more; of one that has ended, nothing changes."""
        del caller
        return {"trial": (await asyncio.to_thread(trials.cancel, desk.database, trial_id)).as_json()}

    return router

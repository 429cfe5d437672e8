"""A draft of rules tried on what was asked for before: one at a time on a machine, in processes of its own."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from curator.api.documents.rules import Replay
from curator.api.words import Desk
from curator.review.replay.alone import alone
from curator.review.replay.run import LONGEST_SOURCE, Wanted, replay
from curator.web.documents import problems
from curator.web.guard import RuleTrier


class WantedReplay(BaseModel):
    """What is to be tried, and on what."""

    model_config = ConfigDict(extra="forbid")

    rules: Annotated[str, Field(min_length=1, max_length=LONGEST_SOURCE)]
    """The draft, as YAML."""
    days: Annotated[float, Field(gt=0, le=3_650)] = 30.0
    catalogue: bool = False
    against: Annotated[str, Field(min_length=1, max_length=80)] | None = None


def replay_routes(desk: Desk) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/api/curator/v1/rules", tags=["rules"])

    @router.post("/replay", operation_id="replay_rules", response_model=Replay, responses=problems(404, 429))
    async def try_rules(wanted: WantedReplay, caller: RuleTrier) -> dict[str, Any]:
        """Say what a draft would have done with what was asked for of late; nothing changes. One at a time."""
        del caller

        def run() -> dict[str, Any]:
            asked = Wanted(wanted.rules, wanted.days, wanted.catalogue, wanted.against)
            with alone(desk.settings.data):
                return replay(desk.database, asked)

        return await asyncio.to_thread(run)

    return router

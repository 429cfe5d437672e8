"""All of the management API, `/api/curator/v1`, and what stands beside it."""

from __future__ import annotations

from fastapi import APIRouter

from curator.api.check import check_routes
from curator.api.described import described_routes
from curator.api.drafts import draft_routes
from curator.api.facts import KnownFacts, facts_routes
from curator.api.lists import list_routes
from curator.api.own import Own, own_routes
from curator.api.replay import replay_routes
from curator.api.rules import rules_routes
from curator.api.waivers import waiver_routes
from curator.api.words import Desk
from curator.web.service import Service


def api_routes(service: Service) -> tuple[APIRouter, ...]:
    """One router a topic."""
    settings, database, sender = service.settings, service.database, service.sender
    desk = Desk(settings, database, sender, service.gate, service.resolver, service.targets, service.rule_set)
    return (
        described_routes(),
        own_routes(Own(settings, database, service.chooser)),
        check_routes(settings, database, service.inquirer),
        facts_routes(KnownFacts(settings, database, service.chooser)),
        rules_routes(settings, database, sender),
        waiver_routes(desk),
        list_routes(desk),
        replay_routes(desk),
        draft_routes(desk),
    )

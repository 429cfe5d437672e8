"""All of the management API, `/api/curator/v1`, and what stands beside it."""

from __future__ import annotations

from fastapi import APIRouter

from curator.api.catalogue import catalogue_routes
from curator.api.check import check_routes
from curator.api.described import described_routes
from curator.api.drafts import draft_routes
from curator.api.facts import KnownFacts, facts_routes
from curator.api.incidents import incident_routes
from curator.api.lists import list_routes
from curator.api.mailboxes import mailbox_routes
from curator.api.notices import notice_routes
from curator.api.own import Own, own_routes
from curator.api.people import people_routes
from curator.api.queue import queue_routes
from curator.api.record import record_routes
from curator.api.replay import replay_routes
from curator.api.requests import request_routes
from curator.api.rules import rules_routes
from curator.api.sign_in import sign_in_api
from curator.api.state import state_routes
from curator.api.tokens import token_routes
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
        sign_in_api(service),
        record_routes(service),
        state_routes(service),
        people_routes(database),
        token_routes(settings, database),
        request_routes(service),
        queue_routes(service),
        notice_routes(service),
        mailbox_routes(service),
        incident_routes(service),
        catalogue_routes(service),
        draft_routes(desk),
    )

"""All pages of the console. Each shows what the management API says, and does what the management API does."""

from __future__ import annotations

from fastapi import APIRouter

from curator.console.account import account_pages
from curator.console.activity import activity_routes
from curator.console.api_pages import api_pages
from curator.console.assets import asset_routes
from curator.console.catalog import catalog_routes
from curator.console.home import home_routes
from curator.console.incidents import incident_pages
from curator.console.live import live_routes
from curator.console.mailboxes import mailbox_pages
from curator.console.models import model_routes
from curator.console.notices import notices_routes
from curator.console.people import people_pages
from curator.console.requests import request_pages
from curator.console.review import review_routes
from curator.console.rules import rules_routes
from curator.console.rules_editing import rules_editing_routes
from curator.console.settings import settings_routes
from curator.console.sign_in import sign_in_routes
from curator.console.theme import theme_routes
from curator.web.service import Service


def console_routes(service: Service) -> tuple[APIRouter, ...]:
    """One router a part of the navigation."""
    return (
        asset_routes(),
        sign_in_routes(service),
        theme_routes(service),
        home_routes(service),
        catalog_routes(service),
        model_routes(service),
        rules_editing_routes(service),
        rules_routes(service),
        live_routes(service),
        account_pages(service),
        people_pages(service),
        review_routes(service),
        request_pages(service),
        settings_routes(service),
        notices_routes(service),
        mailbox_pages(service),
        activity_routes(service),
        incident_pages(service),
        api_pages(),
    )

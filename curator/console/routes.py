"""All pages of the console. Each shows what the management API says, and does what the management API does."""

from __future__ import annotations

from fastapi import APIRouter

from curator.console.api_pages import api_pages
from curator.console.assets import asset_routes
from curator.console.home import home_routes
from curator.console.rules import rules_routes
from curator.console.rules_editing import rules_editing_routes
from curator.web.service import Service


def console_routes(service: Service) -> tuple[APIRouter, ...]:
    """One router a part of the navigation."""
    return (asset_routes(), home_routes(service), rules_editing_routes(service), rules_routes(service), api_pages())

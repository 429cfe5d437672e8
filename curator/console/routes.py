"""All pages of the console. Each shows what the management API says, and does what the management API does."""

from __future__ import annotations

from fastapi import APIRouter

from curator.console.assets import asset_routes
from curator.console.catalog import catalog_routes
from curator.console.home import home_routes
from curator.console.models import model_routes
from curator.console.theme import theme_routes
from curator.web.service import Service


def console_routes(service: Service) -> tuple[APIRouter, ...]:
    """One router a part of the navigation."""
    return (asset_routes(), theme_routes(service), home_routes(service), catalog_routes(service), model_routes(service))

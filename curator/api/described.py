"""The API described by itself."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from curator.web.guard import Puller
from curator.web.openapi import API, described_by


def described_routes() -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["api"])

    @router.get(f"{API}/openapi.json", operation_id="describe_api", response_model=dict[str, Any])
    async def described(request: Request, caller: Puller) -> JSONResponse:
        """Describe this API, as OpenAPI 3.1."""
        del caller
        return JSONResponse(described_by(request).document)

    return router

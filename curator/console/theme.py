"""Light, dark, or as the system: kept in a cookie, so that the page is right before any script runs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from curator.console.forms import Form
from curator.console.render import THEME, THEMES, done, root_of
from curator.web.guard import OPEN
from curator.web.service import Service

_YEAR_S = 365 * 86_400


def theme_routes(_service: Service) -> APIRouter:
    """All of them."""
    router = APIRouter(include_in_schema=False)

    @router.post("/-/theme", dependencies=[OPEN])
    async def choose(request: Request, form: Form) -> RedirectResponse:
        response = done(request, own_path(str(form.get("back", ""))))
        wanted, path = form.get("theme"), f"{root_of(request)}/-/"
        if wanted in THEMES:
            secure = request.url.scheme == "https"
            response.set_cookie(
                THEME, str(wanted), max_age=_YEAR_S, path=path, httponly=True, samesite="lax", secure=secure
            )
        else:
            response.delete_cookie(THEME, path=path)
        return response

    return router


def own_path(back: str) -> str:
    """The page of the console that somebody came from, or Home: what a form says is never another site."""
    plain = back.isascii() and back.isprintable() and "\\" not in back and len(back) <= 2_000
    return back if plain and back.startswith("/-/") else "/-/"

"""Forms that a browser sends: what is in them, and that it was our page that sent them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from markupsafe import Markup
from starlette.datastructures import FormData

from curator.errors import NotAllowed
from curator.people.oidc import Attempt
from curator.people.sign_in import SignIn
from curator.web.guard import session_cookie

_FIELD = "form_token"


async def own_form(request: Request) -> FormData:
    """The fields of a form of ours. Raises `NotAllowed` for one that another site had the browser send.

    Browsers say where a form stands (Fetch Metadata, `Sec-Fetch-Site`), and those that do not yet name its `Origin`;
    and whoever is known by a session sends what only a page of that session had.
    """
    cookie = session_cookie(request) if "authorization" not in request.headers else None
    return await _checked(request, _bound_to(cookie) if cookie is not None else None)


async def first_form(request: Request) -> FormData:
    """The same for forms of those who have no session yet: they send what the page gave to this browser.

    Otherwise another site could have somebody signed in here as whom it likes, and watch what he does.
    """
    return await _checked(request, attempt_of(request).form)


def form_token(request: Request) -> Markup:
    """The hidden field that each form of ours has, for whoever has a session; templates write `{{ form_token }}`."""
    cookie = session_cookie(request)
    return hidden(_bound_to(cookie)) if cookie is not None else Markup()


def hidden(token: str) -> Markup:
    """The field with this token."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(_FIELD, token)


def attempt_of(request: Request) -> Attempt:
    """What this browser keeps of its attempt to sign in; one that nothing fits if it keeps none."""
    sign_in: SignIn = request.app.state.sign_in
    secret = request.cookies.get(sign_in.cookies.attempt, "").partition(".")[0]
    return Attempt(secret) if len(secret) >= 40 else Attempt.new()


async def _checked(request: Request, token: str | None) -> FormData:
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    ours = site == "same-origin" if site else origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not ours:
        raise NotAllowed(
            "This form was sent by another site, and nothing was done: open the page here and send it again"
        )
    form = await request.form(max_files=0, max_fields=1_000)
    shown = form.get(_FIELD)
    if token is not None and not (isinstance(shown, str) and hmac.compare_digest(shown.encode(), token.encode())):
        raise NotAllowed(
            "This form is of an older visit, and nothing was done: open the page anew and send it again, with cookies "
            "allowed"
        )
    return FormData([(name, value) for name, value in form.multi_items() if name != _FIELD])


def _bound_to(cookie: str) -> str:
    digest = hmac.digest(cookie.encode(errors="replace"), b"form", hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


Form = Annotated[FormData, Depends(own_form)]
FirstForm = Annotated[FormData, Depends(first_form)]

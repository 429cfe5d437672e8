"""Forms that a browser sends: what is in them, and that it was our page that sent them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from markupsafe import Markup
from starlette.datastructures import FormData

from curator.errors import NotAllowed
from curator.people.caller import Caller


async def own_form(request: Request) -> FormData:
    """The fields of a form of ours. Raises `NotAllowed` for one that another site had the browser send.

    Browsers say where a form stands (Fetch Metadata, `Sec-Fetch-Site`), and those that do not yet name its `Origin`.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    ours = site == "same-origin" if site else origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not ours:
        raise NotAllowed(
            "This form was sent by another site, and nothing was done: open the page here and send it again"
        )
    return await request.form(max_files=0, max_fields=1_000)


def form_token(caller: Caller) -> Markup:
    """The hidden field that each form of ours has, for whoever has a session; templates write `{{ form_token }}`."""
    del caller
    return Markup()


Form = Annotated[FormData, Depends(own_form)]

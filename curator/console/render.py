"""Pages from templates: what every page has, how values are written, and what a browser is told it may do."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from curator.console.counting import MOST
from curator.console.forms import form_token
from curator.console.hostile import finalized, shown
from curator.console.navigation import groups_for, items_for
from curator.database.engine import now
from curator.people.caller import Caller
from curator.redaction import without_secrets

HERE = Path(__file__).parent
_SAID = "curator_said"
THEME = "curator_theme"
THEMES = ("light", "dark")
"""Beside `as the system`, which is no cookie."""
_LONGEST_SAID = 500
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
"""No script and no style but our own files: nothing of what the Hub's texts contain runs, even where it is shown."""


def page(
    request: Request, caller: Caller, template: str, status: int = 200, *, navigates: bool = True, **values: Any
) -> HTMLResponse:
    """A page of the console for this caller; `values` are what the template speaks of.

    One that is shown to whoever is not known yet has no navigation (`navigates`): it would lead nowhere.
    """
    said = unquote(request.cookies.get(_SAID, ""))
    theme = request.cookies.get(THEME, "")
    root = root_of(request)
    here = without_secrets(str(request.scope["path"]))
    query = without_secrets(request.url.query)
    text = (
        environment()
        .get_template(template)
        .render(
            **values,
            caller=caller,
            navigation=items_for(caller) if navigates else (),
            navigation_groups=groups_for(caller) if navigates else (),
            counts=getattr(request.state, "counts", {}),
            most=MOST,
            here=root + here,
            back=f"{here}?{query}" if query else here,
            root=root,
            theme=theme if theme in THEMES else "",
            now=now(),
            said=said,
            form_token=form_token(request),
        )
    )
    response = HTMLResponse(text, status, HEADERS)
    if said:
        response.delete_cookie(_SAID, path=f"{root}/-/")
    return response


def root_of(request: Request) -> str:
    """What the path of every link and cookie begins with, as in `https://host/hf`; empty at the root of a host.

    Said by the address that clients use, for a proxy in front may have taken it off the request.
    """
    return str(getattr(request.app.state, "root", ""))


def done(request: Request, path: str, said: str = "") -> RedirectResponse:
    """After a form was obeyed: on to a page of the console, which says once what was done."""
    root = root_of(request)
    response = RedirectResponse(f"{root}{path}", 303, HEADERS)
    if said:
        kept = quote(said[:_LONGEST_SAID])
        response.set_cookie(_SAID, kept, max_age=60, path=f"{root}/-/", httponly=True, samesite="strict")
    return response


@cache
def environment() -> Environment:
    """Every value is escaped wherever it stands; what is not there is an error and not an empty place."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"ago": ago, "bytes": told_bytes, "short": short, "moment": moment, "number": number}
    made.filters |= {"hub": shown, "duration": duration, "code": marked_code, "cut": cut}
    made.globals |= {"asset": asset}
    return made


@cache
def asset(name: str) -> str:
    """Where a file of `static` is, under a name that changes with it, so that browsers may keep it for good."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/-/static/{digest}/{name}"


def ago(at: dt.datetime | None, since: dt.datetime | None = None) -> str:
    """How long ago, or until when, as people say it."""
    if at is None:
        return "never"
    seconds = ((since or now()) - at).total_seconds()
    told = duration(abs(seconds))
    return "just now" if told == "0 s" else f"{told} ago" if seconds > 0 else f"in {told}"


def duration(seconds: float) -> str:
    """In the largest unit of which there is one at least."""
    for size, unit in ((86_400 * 365, "y"), (86_400 * 30, "mo"), (86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def told_bytes(count: float | None) -> str:
    """In the decimal units that disks are sold in."""
    if count is None:
        return "-"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1_000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1_000
    raise AssertionError


def number(count: float | None) -> str:
    """With a thin space between thousands."""
    return "-" if count is None else f"{count:,.0f}".replace(",", "\N{THIN SPACE}")


def marked_code(text: str) -> Markup:
    """A sentence in which `...` stands for code, as the documentation writes it."""
    parts = text.split("`")
    plain = len(parts) % 2 == 0
    made = (Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts))
    return escape(text) if plain else Markup("").join(made)


def cut(text: str, most: int) -> str:
    """The first sentence, and no more letters than that."""
    first = text.partition("\n")[0]
    return first if len(first) <= most else f"{first[: most - 1].rstrip()}…"


def short(sha: str | None) -> str:
    """The start of a commit, digest or id, enough to tell it by."""
    return (sha or "-")[:12]


def moment(at: dt.datetime | None) -> str:
    """To the minute, in UTC."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC") if at is not None else "never"

"""What goes wrong, as a page: for browsers at the console's addresses; programs get the same sentence as JSON."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from curator.console.render import page
from curator.database.engine import new_id
from curator.errors import CuratorError
from curator.people.caller import ANONYMOUS, Caller
from curator.web.errors import error_response

log = logging.getLogger(__name__)

_HEADINGS = {
    400: "This cannot be understood",
    401: "Sign in to see this",
    403: "You may not do this here",
    404: "There is nothing here",
    405: "This address is asked in another way",
    409: "This does not fit what is there",
    413: "This is too long",
    422: "This cannot be used",
    429: "Too often, for now",
    500: "The mirror failed inside",
    502: "The upstream sent something wrong",
    503: "The mirror cannot answer for now",
    507: "The disk is full",
}
_TO_DO = {
    401: "Sign in, or open this page with the token of somebody whom the mirror knows.",
    404: "It may have been mistyped, or what it was about is gone.",
    405: "Go back to the page that brought you here, and use what is on it.",
    500: "Nothing was left half done. Try again; if it stays so, tell the administrator the number above.",
    503: "What was decided stays decided. Open the page again in a moment.",
}


def wants_page(request: Request) -> bool:
    """Whether a browser asks, at an address of the console."""
    return bool(request.scope["path"].startswith("/-/")) and accepts_html(request)


def accepts_html(request: Request) -> bool:
    """Whether HTML is named among what may be answered; `*/*` alone, as programs send it, is not that."""
    return "text/html" in request.headers.get("accept", "").lower()


def shown(request: Request, answer: JSONResponse) -> Response:
    """An answer that says in JSON what went wrong; as a page for a browser. Its sentence is escaped as all is."""
    if not wants_page(request):
        return answer
    caller: Caller | None = getattr(request.state, "caller", None)
    status = answer.status_code
    made = page(
        request,
        caller or ANONYMOUS,
        "problem.html",
        status,
        navigates=caller is not None,
        heading=_HEADINGS.get(status) or HTTPStatus(status).phrase,
        sentence=_sentence(answer),
        to_do=_TO_DO.get(status, ""),
        bad=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    kept = {"allow", "retry-after", "www-authenticate"}
    made.headers.update({name: value for name, value in answer.headers.items() if name in kept})
    return made


def failed(request: Request) -> Response:
    """Something that nobody foresaw; the number is in the log beside what it was."""
    number = new_id()
    # As the route has it: what stands in its place may be a link that is worth a password.
    path = getattr(request.scope.get("route"), "path", None) or request.scope["path"][:200]
    log.error("request %s failed: %s %s", number, request.method, path)
    answer = error_response(CuratorError(f"The mirror failed inside, at request {number}"))
    try:
        return shown(request, answer)
    except Exception:
        # What failed may be what every page has.
        log.exception("request %s: nor could the page be made that says so", number)
        return answer


def _sentence(answer: JSONResponse) -> str:
    said = json.loads(bytes(answer.body))
    return str(said.get("error") or said.get("detail") or "")

"""What goes wrong at the mirror's own addresses, for people and programs that speak to it knowingly."""

from __future__ import annotations

import logging

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from curator.errors import BadInput, CuratorError, DatabaseAway, NotServed, UnknownToken, WrongMethod
from curator.people.passwords import TooMany

log = logging.getLogger(__name__)


def error_response(error: CuratorError) -> JSONResponse:
    """An error of the mirror, for people and programs that speak to it knowingly; commands end with its exit code."""
    headers = {"Retry-After": str(error.wait_s)} if isinstance(error, TooMany) else None
    return JSONResponse({"error": error.sentence, "exit_code": error.exit_code}, error.status, headers)


class SignInFirst(UnknownToken):
    """A person asks for a page that he may see, perhaps, once he is known."""

    def __init__(self, location: str) -> None:
        super().__init__("Sign in first")
        self.location = location
        """Where he does."""


def to_sign_in(error: SignInFirst) -> RedirectResponse:
    """A person with a browser is shown the way, and comes back to the page that he wanted."""
    return RedirectResponse(error.location, 303, {"Cache-Control": "no-store"})


def bad_query(error: RequestValidationError) -> JSONResponse:
    """A query or a body that cannot be understood."""
    first = error.errors()[0]
    # The first part says whether it is of the query, the path or the body.
    where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    return error_response(BadInput(f"{where}: {first['msg'].removeprefix('Value error, ')}"))


def refused_by_the_framework(error: HTTPException) -> JSONResponse:
    """What comes to no route of ours: no such address, not for this method, or a body that is no JSON."""
    headers = error.headers or {}
    said: CuratorError
    if error.status_code == WrongMethod.status:
        said = WrongMethod(f"This address answers to {headers.get('Allow', 'other methods')} only")
    elif error.status_code == NotServed.status:
        said = NotServed("There is nothing at this address: /api/curator/v1/openapi.json says what there is")
    else:
        said = BadInput("The body of the request cannot be read: send JSON in UTF-8")
    response = error_response(said)
    response.headers.update(headers)
    return response


def not_kept(error: DataError | UnicodeEncodeError) -> JSONResponse:
    """A text with something in it that no database, or not this one, can keep or look for: half a pair, a zero byte."""
    del error
    return error_response(
        BadInput("Something that was sent has a character in it that cannot be kept: write plain text")
    )


def database_away(error: OperationalError) -> JSONResponse:
    """The database does not answer: nothing is decided or served that it would have to know of."""
    log.error("the database does not answer: %s", error.orig)
    return error_response(DatabaseAway())

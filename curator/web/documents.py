"""What answers of the management API have in common: how they are declared, and what an error looks like.

A route names its answer as `response_model`, and statuses of its own by `problems(...)`; what every route may answer
besides (400, 401, 403, 503 and so on) is added where the API is described (`curator.web.openapi`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

API = "/api/curator/v1"


class Answer(BaseModel):
    """A JSON object that the mirror answers: just these fields, so that nothing slips out that nobody declared.

    A field that is not always there has the default None, and its route `response_model_exclude_unset=True`.
    """

    model_config = ConfigDict(extra="forbid")


class Problem(Answer):
    """What went wrong."""

    error: Annotated[str, Field(description="One sentence: what it is, and what to do.")]
    exit_code: Annotated[
        int,
        Field(
            ge=0,
            le=4,
            description="What a command ends with: 0 nothing to do, 1 no, 2 a mistake, 3 not yet, 4 nobody answers.",
        ),
    ]


class StillScanned(Answer):
    """Nothing is decided yet: ask again."""

    error: Annotated[str, Field(description="How far it is.")]


Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-26T03:07:00+00:00"])]
"""In UTC, or with its offset (RFC 3339)."""
Next = Annotated[str | None, Field(description="What to name as `after` for the next page; null: this is the last.")]

_SAID = {
    400: "Something in the request has no meaning; nothing was done.",
    401: "The mirror does not know who asks.",
    403: "Who asks may not do this.",
    404: "There is no such thing here.",
    409: "It cannot be done as things are now; nothing was done.",
    413: "The body is too long.",
    422: "What was sent can be read and cannot be used.",
    429: "Too much is asked at once: ask again later.",
    503: "The mirror cannot answer for now: ask again later.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a route: the errors that are its own."""
    return {status: {"model": Problem, "description": _SAID[status]} for status in statuses}


STILL_SCANNED: dict[int | str, dict[str, Any]] = {
    202: {"model": StillScanned, "description": "It is still being scanned: ask again."}
}

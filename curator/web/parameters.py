"""Parameters that many routes have, each with its bounds, so that what has no meaning is told in one sentence."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, Field

_CURSOR = r"^[0-9A-Za-z_.:~-]{1,200}$"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_REPOSITORY = r"^[\w.*?\[\]!-]+(/[\w.*?\[\]!-]+)?$"


def _cursor(text: str) -> str:
    if not re.fullmatch(_CURSOR, text, re.ASCII):
        raise ValueError("it is no cursor: name what an earlier answer had as `next`, or leave it out")
    return text


After = Annotated[
    str | None,
    AfterValidator(lambda text: text if text is None else _cursor(text)),
    Query(
        min_length=1,
        max_length=200,
        description="`next` of the page before this one.",
        json_schema_extra={"pattern": _CURSOR},
    ),
]
PageSize = Annotated[int, Query(ge=1, le=500, description="How many, at most.")]
WaitSeconds = Annotated[float, Query(ge=0, le=600, description="How long to wait for what is being scanned, in s.")]
Repository = Annotated[
    str, Query(min_length=1, max_length=193, description="A repository.", examples=["acme-research/tiny-bert"])
]
RevisionName = Annotated[str, Query(min_length=1, max_length=255, description="A branch, a tag, or a commit.")]
Name = Annotated[str, Field(pattern=_NAME)]
"""Of a team or a project."""
EmptyName = Annotated[str | None, Query(max_length=64, description="A team or a project; empty for none.")]
Id = Annotated[str, Field(min_length=1, max_length=64)]
"""Of a waiver, an entry, a decision: as it stands in an answer."""

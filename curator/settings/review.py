"""How exceptions are made."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ReviewSettings(BaseModel):
    """How exceptions are made."""

    model_config = ConfigDict(frozen=True)

    waiver_max_days: int = Field(365, ge=1, le=36_500, description="Days that a waiver may last.")
    waiver_without_end: bool = Field(False, description="Whether a waiver may have no end at all.")
    review_hours: int = Field(
        24,
        ge=1,
        le=8_760,
        description="Hours within which what waits for a reviewer is to be decided; then it is overdue.",
    )
    exception_days: int = Field(
        90, ge=1, le=36_500, description="Days that an exception lasts where the reviewer names no end."
    )

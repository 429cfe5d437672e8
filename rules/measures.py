"""Amounts as people write them: `10 GB`, `6 weeks`, `70 billion`; plain numbers are taken as they are."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

MOST_DAYS = 100_000.0
"""More is longer than anything has been there."""
MOST = 2**63 - 1
"""Expressions count in 64 bits."""

_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]+)", re.ASCII)
_PREFIXES = tuple(enumerate("kmgtp", 1))
_BYTES = (
    {"b": 1, "byte": 1, "bytes": 1}
    | {f"{prefix}b": 1000**power for power, prefix in _PREFIXES}
    | {f"{prefix}ib": 1024**power for power, prefix in _PREFIXES}
)
_COUNTS = {
    "k": 10**3,
    "thousand": 10**3,
    "m": 10**6,
    "million": 10**6,
    "b": 10**9,
    "billion": 10**9,
    "t": 10**12,
    "trillion": 10**12,
}
_DAYS = {
    "minute": 1 / 1440,
    "minutes": 1 / 1440,
    "hour": 1 / 24,
    "hours": 1 / 24,
    "day": 1.0,
    "days": 1.0,
    "week": 7.0,
    "weeks": 7.0,
    "month": 30.0,
    "months": 30.0,
    "year": 365.0,
    "years": 365.0,
}


def read_bytes(value: Any) -> Any:
    """A size in bytes: `10 GB` is ten thousand million, `10 GiB` is ten times 2^30. Raises `ValueError`."""
    return _whole(_read(value, _BYTES, "a size, such as 500 MB or 10 GB"))


def read_count(value: Any) -> Any:
    """A number: `70 billion`, `70B`, `10k`. Raises `ValueError`."""
    return _whole(_read(value, _COUNTS, "a number, such as 100, 10k or 70 billion"))


def read_days(value: Any) -> Any:
    """Days: `6 weeks` is 42; a month is 30 of them, a year 365. Raises `ValueError`."""
    return _read(value, _DAYS, "a time, such as 12 hours, 30 days or 6 weeks")


def _read(value: Any, units: dict[str, float] | dict[str, int], what: str) -> Any:
    if not isinstance(value, str):
        return value
    match = _AMOUNT.fullmatch(value.strip())
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None:
        msg = f"{value[:40]!r} is not {what}"
        raise ValueError(msg)
    return float(match[1]) * factor if "." in match[1] else int(match[1]) * factor


def _whole(value: Any) -> Any:
    return round(value) if isinstance(value, float) and value == value // 1 else value


def _schema(kind: str, example: str) -> WithJsonSchema:
    written = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[A-Za-z]+\s*$", "examples": [example]}
    return WithJsonSchema({"anyOf": [{"type": kind, "minimum": 0}, written]})


Bytes = Annotated[int, BeforeValidator(read_bytes), Field(ge=0, le=MOST), _schema("integer", "10 GB")]
Count = Annotated[int, BeforeValidator(read_count), Field(ge=0, le=MOST), _schema("integer", "70 billion")]
Days = Annotated[float, BeforeValidator(read_days), Field(ge=0, le=MOST_DAYS), _schema("number", "6 weeks")]

"""How long the upstream asks to be left alone: `Retry-After`, and `RateLimit` of the IETF's draft as the Hub sends it.

RFC 9110 section 10.2.3; draft-ietf-httpapi-ratelimit-headers: `RateLimit: "api";r=0;t=55` says that nothing remains of
a quota for 55 s, and `RateLimit-Policy: "fixed window";"api";q=500;w=300` how long its window is.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

LONGEST_S = 3_600.0
"""Whatever the upstream says, it is asked again after an hour: a wrong header must not close the mirror for good."""

_BUSY = {429, 503}
_MOST_LETTERS = 2_000
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PARAMETER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)\s*=\s*([0-9]{1,15})\s*")


def pause_asked_s(status: int, headers: Mapping[str, str], now: dt.datetime) -> float:
    """For how many seconds nothing more is to be asked; 0 if the answer does not ask for a pause.

    What cannot be understood asks for nothing.
    """
    asked = _exhausted_for_s(headers.get("RateLimit", ""), headers.get("RateLimit-Policy", ""))
    if status in _BUSY:
        asked = max(asked, retry_after_s(headers.get("Retry-After", ""), now))
    return min(asked, LONGEST_S)


def retry_after_s(value: str, now: dt.datetime) -> float:
    """`Retry-After` in seconds from now: it is a number of seconds, or a date."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:15])
    try:
        moment = parsedate_to_datetime(value[:100])
    except (ValueError, OverflowError, IndexError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - now).total_seconds())


def _exhausted_for_s(limits: str, policies: str) -> float:
    """The longest time until a quota of which nothing remains is filled again."""
    waits = [0.0]
    for limit in _members(limits):
        if limit.get("r") != 0:
            continue
        windows = [policy["w"] for policy in _members(policies) if "w" in policy]
        waits.append(float(limit["t"] if "t" in limit else max(windows, default=0)))
    return max(waits)


def _members(field: str) -> Iterator[dict[str, int]]:
    """The whole-number parameters of each member of a structured field's list (RFC 9651 section 3.1)."""
    for member in _QUOTED.sub('""', field[:_MOST_LETTERS]).split(","):
        matches = (_PARAMETER.fullmatch(part) for part in member.split(";"))
        yield {match[1]: int(match[2]) for match in matches if match is not None}

"""The words for what stands in an explanation as a code: moments, sizes, people, outcomes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from curator.admission.explained.page import Tone

OUTCOMES = {"allow": "ALLOWED", "hold": "HELD FOR REVIEW", "block": "BLOCKED"}
TONES = {
    "allow": Tone.GOOD,
    "warn": Tone.DOUBT,
    "exclude-file": Tone.DOUBT,
    "hold": Tone.DOUBT,
    "block": Tone.BAD,
}
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_MOST_NAMED = 6


def moment(text: str | None) -> str:
    """`2026-11-26 01:30 UTC`."""
    if not text:
        return "an unknown time"
    at = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    return at.strftime("%Y-%m-%d %H:%M UTC")


def day(text: str) -> str:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).strftime("%Y-%m-%d")


def since(text: str, now: str) -> str:
    """`2026-11-23, 3 days ago`: a day, and how long before the decision that was."""
    days = (dt.datetime.fromisoformat(now) - dt.datetime.fromisoformat(text)).days
    if days < 0:
        return day(text)
    for least, length, unit in ((730, 365.25, "year"), (60, 30.44, "month")):
        if days >= least:
            return f"{day(text)}, {count(int(days / length), unit)} ago"
    return f"{day(text)}, {count(days, 'day')} ago" if days else f"{day(text)}, less than a day ago"


def seen(text: str, document: dict[str, Any]) -> str:
    """`, as of 2026-11-26 01:30 UTC`; empty for what was looked at when it was decided, of which the moment is told."""
    decided = dt.datetime.fromisoformat(document["decided_at"])
    late = abs(decided - dt.datetime.fromisoformat(text)) > dt.timedelta(minutes=10)
    return f", as of {moment(text)}" if late else ""


def count(number: int, what: str) -> str:
    """`1 model`, `2,000 models`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def parameters(number: int) -> str:
    """`1.2 billion parameters`."""
    for least, word in ((10**9, "billion"), (10**6, "million")):
        if number >= least:
            return f"{number / least:.1f} {word} parameters"
    return count(number, "parameter")


def size(length: int) -> str:
    amount, unit = float(length), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{length} bytes" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def several(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """`a, b, c and 4 more`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def somebody(named: dict[str, Any]) -> str:
    """`waiver 01a2 by anna (seen with the vendor), until 2027-01-01`."""
    kind = {"waiver": "waiver", "approve": "approval", "block": "entry"}.get(named.get("kind", ""), "entry")
    by = f" by {named['by']}" if named.get("by") else ""
    reason = f" ({named['reason'].rstrip('.')})" if named.get("reason") else ""
    until = f", until {day(named['expires_at'])}" if named.get("expires_at") else ""
    return f"{kind} {named['id']}{by}{reason}{until}"

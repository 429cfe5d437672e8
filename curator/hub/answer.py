"""What goes back to a client, before it is a stream of ASGI messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from curator.store.fill import Span

_LONGEST_HEADER = 1_500


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body; one made of parts of files has its length among the headers."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[Span] = b""


def json_answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)


def header_text(sentence: str) -> str:
    """A sentence as a header's value: one line of ASCII, not too long (hub-api section 0, rule 9)."""
    line = " ".join(sentence.split())
    printable = "".join(
        letter if " " <= letter <= "~" else letter.encode("ascii", "backslashreplace").decode() for letter in line
    )
    return printable if len(printable) <= _LONGEST_HEADER else printable[: _LONGEST_HEADER - 3] + "..."

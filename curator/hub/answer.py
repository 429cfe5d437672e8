"""What goes back to a client, before it is a stream of ASGI messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from curator.admission.branches import Told
from curator.hub.request import Request
from curator.store.fill import Span
from curator.types import RepoId, Revision

_LONGEST_HEADER = 1_500


@dataclass(frozen=True, slots=True)
class OfBranch:
    """That an answer tells of the commit that a branch stands for, which is not the same for all and always."""

    repo: RepoId
    revision: Revision
    told: Told
    fresh_s: float
    """For how long whoever was told nothing yet may be told this; who was told it, is told it on."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long an answer holds; in any case no longer than nothing changes."""

    seconds: float
    branch: OfBranch | None = None
    """None where the commit was asked for by its own name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body; one made of parts of files has its length among the headers."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[Span] = b""
    lasting: Lasting | None = None
    """None for one that is made anew each time."""
    again: Again | None = None
    """How the same is given to another request, where that is not the same each time."""
    quiet: bool = False
    """One of many about the same, of which the first is in the log."""


Again = Callable[[Request], Awaitable[Answer]]


def json_answer(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None, lasting: Lasting | None = None
) -> Answer:
    # Half of a surrogate pair, which JSON can hold and UTF-8 cannot, becomes the escape that JSON has for it.
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Answer(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body, lasting)


def messages_of(answer: Answer, method: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer as ASGI's messages; of a body made of parts of files, only the end."""
    headers = dict(answer.headers)
    body = answer.body if isinstance(answer.body, bytes) else b""
    if isinstance(answer.body, bytes) and "Content-Length" not in headers and answer.status != 304:
        headers["Content-Length"] = str(len(body))
    start = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
    }
    return start, {"type": "http.response.body", "body": b"" if method == "HEAD" else body}


def header_text(sentence: str) -> str:
    """A sentence as a header's value: one line of ASCII, not too long (hub-api section 0, rule 9)."""
    line = " ".join(sentence.split())
    printable = "".join(
        letter if " " <= letter <= "~" else letter.encode("ascii", "backslashreplace").decode() for letter in line
    )
    return printable if len(printable) <= _LONGEST_HEADER else printable[: _LONGEST_HEADER - 3] + "..."

"""An evidence pack as an answer, for the API and for the console's button."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi.responses import StreamingResponse

from curator.errors import BadInput
from curator.evidence import pack
from curator.evidence.subjects import read
from curator.notify.about import told_about
from curator.types import RepoKind
from curator.web.service import Service

_PAGE = 200


def evidence_answer(
    service: Service, by: str, *, incident: str = "", request: str = "", subject: str = "", kind: RepoKind | None = None
) -> StreamingResponse:
    """What somebody takes, on the record from now on. Raises what is wrong with what he named."""
    database = service.database
    about = None
    if subject:
        with database.read() as session:
            about = read(session, subject, kind)
        if not about.known:
            raise BadInput(f"{about.said} has never gone through this mirror: there is no evidence of it")
    taken = pack.begin(database, by, incident_id=incident, request_id=request, subject=about)

    def notices() -> Iterator[dict[str, Any]]:
        after = None
        while taken.incident is not None:
            with database.read() as session:
                found = told_about(session, taken.incident.id, after, _PAGE)
            yield from (one.as_json() for one in found)
            if len(found) < _PAGE:
                return
            after = found[-1].id

    made = pack.stream(service.settings, database, service.seal, taken, notices)
    headers = {
        "Content-Disposition": f'attachment; filename="{taken.file_name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(made, media_type="application/x-tar", headers=headers)

"""How the mirror says no: one form that every client shows to its user.

403 and `X-Error-Code: GatedRepo` is the only answer whose reason all versions of huggingface_hub print; the warning
header shows it in `hf download` and `datasets`, the JSON body in JavaScript, Rust, llama.cpp and curl, plain text in
git, and the audit id is the request id that clients print (hub-api part 2, measured).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from curator.errors import CuratorError, EntryNotFound, RevisionNotFound
from curator.hub.answer import Answer, header_text, json_answer
from curator.redaction import without_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No, and why."""

    sentence: str
    """What the user reads: the rule, the reason, the file, where to ask."""
    outcome: str
    """`block`, `hold`, `left-out`, `closed` or `error`."""
    repo: str
    audit_id: str
    rules: tuple[str, ...] = ()
    decision: str | None = None
    status: int = 403
    code: str | None = "GatedRepo"
    commit_sha: str | None = None
    retry_after_s: int | None = None


def refuse(refusal: Refusal) -> Answer:
    """The refusal in the clients' own form."""
    sentence = without_secrets(refusal.sentence)
    line = header_text(sentence)
    headers = {"X-Error-Message": line, "X-Request-Id": refusal.audit_id, "Cache-Control": "no-store"}
    if refusal.code is not None:
        headers["X-Error-Code"] = refusal.code
    if refusal.repo:
        # Clients print a warning once per topic, the part before the semicolon.
        topic = without_secrets(f"curation {refusal.repo} {refusal.decision or refusal.outcome}")
        headers["X-HF-Warning"] = header_text(f"{topic}; {line}")
    if refusal.commit_sha is not None:
        headers["X-Repo-Commit"] = refusal.commit_sha
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(refusal.retry_after_s)
    document = {
        "error": sentence,
        "curator": {
            "outcome": refusal.outcome,
            "rules": list(refusal.rules),
            "decision": refusal.decision,
            "request_id": refusal.audit_id,
        },
    }
    return json_answer(document, refusal.status, headers)


def refuse_error(error: CuratorError, repo: str, audit_id: str) -> Answer:
    """An error of the mirror or of the Hub, in the Hub's form."""
    # A missing file is an everyday answer, and a warning for each would bury the ones that matter.
    everyday = isinstance(error, EntryNotFound | RevisionNotFound)
    return refuse(
        Refusal(
            sentence=error.sentence,
            outcome="error",
            repo="" if everyday else repo,
            audit_id=audit_id,
            status=error.status,
            code=error.code,
            commit_sha=error.commit_sha if isinstance(error, EntryNotFound) else None,
        )
    )


def refuse_git(sentence: str, audit_id: str, *, lfs: bool) -> Answer:
    """The same for git, which prints plain text as `remote: ...`, and for LFS, which wants JSON of its own type."""
    if lfs:
        body = json.dumps({"message": sentence, "request_id": audit_id}).encode()
        return Answer(403, {"Content-Type": "application/vnd.git-lfs+json", "X-Request-Id": audit_id}, body)
    return Answer(403, {"Content-Type": "text/plain", "X-Request-Id": audit_id}, f"{sentence}\n".encode())

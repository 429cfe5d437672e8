"""What it means when the upstream answers with anything but what was asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from curator.errors import (
    CuratorError,
    EntryNotFound,
    RepoDisabled,
    RepoNotFound,
    RevisionNotFound,
    UpstreamRefused,
    UpstreamUnavailable,
)
from curator.types import Commit, RepoId
from curator.upstream.pacing import pause_asked_s, retry_after_s

_DISABLED = "Access to this resource is disabled."
"""By these words alone clients know it, too (huggingface_hub `hf_raise_for_status`)."""


def meaning(
    status: int, headers: Mapping[str, str], what: str, repo: RepoId | None, commit: Commit | None
) -> CuratorError:
    """The error that an answer stands for (hub-api section 5); `commit` where a file of it was asked for."""
    told = _told(headers.get("X-Error-Message", ""))
    match headers.get("X-Error-Code", ""):
        case "RepoNotFound":
            return RepoNotFound(f"The Hub has no repository {what}, or does not show it to this mirror")
        case "RevisionNotFound":
            return RevisionNotFound(f"The Hub has no revision {what}")
        case "EntryNotFound" if commit is not None:
            return EntryNotFound(f"The Hub has no {what}", commit.sha)
        case "GatedRepo" if repo is not None:
            return UpstreamRefused(
                f"The Hub gives {what} only to accounts that accepted its terms, and this mirror's has not: ask the "
                "mirror's administrator to accept them, and to give the mirror that account's token with "
                f"`curator upstream-token add '{repo.namespace or repo.name}{'/*' if repo.namespace else ''}'`"
            )
    if headers.get("X-Error-Message", "") == _DISABLED:
        return RepoDisabled(f"The Hub has disabled {what}")
    if status in {401, 403}:
        return UpstreamRefused(f"The Hub refuses {what} to this mirror ({status} {told})")
    if status == 404:
        return RepoNotFound(f"The Hub has no {what}")
    moment = dt.datetime.now(dt.UTC)
    pause_s = max(pause_asked_s(status, headers, moment), retry_after_s(headers.get("Retry-After", ""), moment))
    later = f", and asks to come back in {pause_s:.0f} s" if pause_s else ""
    return UpstreamUnavailable(f"The Hub answers {status} {told} for {what}{later}")


def _told(message: str) -> str:
    return ascii(message[:200]) if message else "(no reason given)"

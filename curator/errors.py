"""Everything that can go wrong for a user: one class each, which owns its sentence, its status and its exit code."""

from __future__ import annotations

from curator.redaction import without_secrets


class CuratorError(Exception):
    """Something a user must be told, in one sentence: what, where, what to do.

    `status` is the HTTP status and `code` the Hub's `X-Error-Code`, which decides the class that clients raise
    (huggingface_hub `hf_raise_for_status`); `exit_code` is what a command ends with.
    """

    status = 500
    code: str | None = None
    exit_code = 2

    def __str__(self) -> str:
        # It may quote what somebody sent, and a token in it would be in a log of his build from then on.
        return without_secrets(super().__str__())

    @property
    def sentence(self) -> str:
        return str(self)


class BadInput(CuratorError):
    """A repository id, revision, path, range or body that has no meaning."""

    status = 400


class BadSettings(CuratorError):
    """A setting or a file of settings that cannot be used."""


class DatabaseAway(CuratorError):
    """The database cannot be asked: nothing is served that it would have to know of."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The mirror's database does not answer for now: try again in a moment")


class NotServed(CuratorError):
    """A route of the Hub that the mirror does not answer."""

    status = 404


class ReadOnly(CuratorError):
    """Somebody tried to write to the Hub through the mirror."""

    status = 403


class WrongMethod(CuratorError):
    """An address was asked in another way than it answers to."""

    status = 405


class SearchOff(CuratorError):
    """Somebody searched where the administrator has switched searching off."""

    status = 403


class KindOff(CuratorError):
    """A kind of repository that the administrator has not switched on."""

    status = 403
    code = "GatedRepo"
    exit_code = 3


class UnknownToken(CuratorError):
    """Who asks could not be told, and must be."""

    status = 401


class NotAllowed(CuratorError):
    """Who asks is known, and may not do this."""

    status = 403


class RepoNotFound(CuratorError):
    """The Hub knows no such repository, or hides it from the mirror's account."""

    status = 404
    code = "RepoNotFound"


class RevisionNotFound(CuratorError):
    """The repository has no such branch, tag or commit, or it is not one that the mirror serves."""

    status = 404
    code = "RevisionNotFound"


class EntryNotFound(CuratorError):
    """The commit has no such file, or it is left out by a rule."""

    status = 404
    code = "EntryNotFound"

    def __init__(self, sentence: str, commit_sha: str) -> None:
        super().__init__(sentence)
        self.commit_sha = commit_sha


class UpstreamUnavailable(CuratorError):
    """The Hub could not be reached, or answered in a way that cannot be used.

    Answered as 403 GatedRepo like a refusal: with 5xx, huggingface_hub retries for up to 23 s and then speaks of
    the user's internet connection (hub-api 5.2, measured).
    """

    status = 403
    code = "GatedRepo"
    exit_code = 4


class UpstreamPaused(UpstreamUnavailable):
    """The Hub was not even asked: it failed too often, or it asked to be left alone for a while."""


class MirrorOffline(CuratorError):
    """What is asked for is not in the cache, and the mirror never asks the Hub."""

    status = 403
    code = "GatedRepo"
    exit_code = 3

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is not in this mirror's cache, and this mirror is offline: ask its administrator to bring it in, "
            "which takes CURATOR_UPSTREAM_MODE=fallback for as long as it needs"
        )


class KeyLost(CuratorError):
    """What was sealed cannot be opened: the key is missing, unreadable or another one."""

    status = 403
    code = "GatedRepo"


class UpstreamRefused(CuratorError):
    """The Hub knows the repository and does not give it to the mirror's account (gated, private, disabled)."""

    status = 403
    code = "GatedRepo"
    exit_code = 3


class RepoDisabled(UpstreamRefused):
    """The Hub has closed the repository to everybody."""


class WrongBytes(CuratorError):
    """What the upstream sent is not what the commit names: wrong size or wrong hash."""

    status = 502
    exit_code = 3


class StoreFull(CuratorError):
    """There is no room left for a file."""

    status = 507


class ServerUnreachable(CuratorError):
    """A command could not talk to its mirror."""

    exit_code = 4

"""Which kinds of repositories this mirror has to do with at all."""

from __future__ import annotations

from curator.errors import KindOff
from curator.settings import Settings
from curator.types import RepoKind


def check_kind(settings: Settings, kind: RepoKind) -> None:
    """Raises `KindOff` for Spaces, unless they are switched on."""
    if kind is RepoKind.SPACE and not settings.spaces:
        raise KindOff(
            "Spaces are not served by this mirror, for they are programs: its administrator can switch them on with "
            "CURATOR_SPACES=true"
        )

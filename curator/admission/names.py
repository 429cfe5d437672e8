"""The names that others may be taken for: the lists in force, and what was approved here."""

from __future__ import annotations

from curator.errors import BadSettings
from curator.settings import Settings
from rules.circumstances import Circumstances, ListEffect
from scanners.repository.known import Known, KnownNamesError, shipped

_WILD = frozenset("*?[")


def known_names(settings: Settings) -> Known:
    """The shipped lists, or the administrator's. Raises `BadSettings` for lists that cannot be read."""
    if settings.known_names is None:
        return shipped()
    try:
        return Known.load(settings.known_names)
    except KnownNamesError as error:
        raise BadSettings(f"CURATOR_KNOWN_NAMES: {error}") from None


def with_approved(known: Known, circumstances: Circumstances) -> Known:
    """With the repositories and publishers that are on a list of the organisation, which others may imitate."""
    approved = [
        name for entry in circumstances.entries if entry.effect is ListEffect.APPROVE for name in entry.repositories
    ]
    publishers = [name.removesuffix("/*") for name in approved if name.endswith("/*")]
    return known.extended(
        [name for name in approved if not _WILD & set(name)],
        [name for name in publishers if not _WILD & set(name)],
    )

"""What was learnt of a commit beside its files: a value that is kept, so that judging again asks nobody.

It has what others said, as they said it, and nothing that follows from it: better rules of reading it, or newer lists
of licences and publishers, are applied to what is kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from curator.types import RepoKind

OWNER = "owner"
HISTORY = "history"
HUB_SCAN = "hub_scan"
LICENSE = "license"
LINEAGE = "lineage"
COPIED = "copied"
GROUPS = (OWNER, HISTORY, HUB_SCAN, LICENSE, LINEAGE, COPIED)
"""What a look learns, by the names that `Facts.unknown` has for them."""

_GROWS = frozenset({"numFollowers", "numFollowing", "numLikes", "numUpvotes", "numModels", "numDatasets", "numSpaces"})
_GROWS_TOO = frozenset({"numUsers", "numPapers", "numDiscussions", "avatarUrl", "details", "fullname", "orgs"})


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Relative(_Frozen):
    """A repository that was asked for on the way back, and what the Hub said of it.

    It is kept in the look alone. It is not remembered as a commit that somebody asked for: it would be shown in
    searches, its branches would seem watched, and its first sight would count from here.
    """

    asked: str
    """As it was named."""
    revision: str = ""
    """The one that was named; empty for the main branch."""
    kind: RepoKind = RepoKind.MODEL
    state: str = "found"
    """`found`, `missing`, `private` or `unreachable`."""
    repository: str = ""
    """As the Hub calls it now."""
    commit: str = ""
    card: dict[str, Any] = {}
    """What its card declares of licence and origin, as the Hub has it."""
    tags: tuple[str, ...] = ()


class Original(_Frozen):
    """The repository that this one's name is like, as the Hub describes it."""

    repository: str
    created_at: str = ""
    card: str = ""
    """The text of its card; empty if it could not be had."""
    weights: dict[str, int] = {}
    """SHA-256 of its large files, with their size in bytes."""


class Look(_Frozen):
    """All of it. What is in `gaps` could not be had, and is empty."""

    owner: dict[str, Any] | None = None
    """The Hub's page of the account; None if there is none."""
    committed_at: str = ""
    first_commit: str = ""
    hub_scan: str = "unknown"
    texts: dict[str, str] = {}
    """By path: the card, licences, and the small documents that name parents."""
    relatives: tuple[Relative, ...] = ()
    """In the order in which they were asked for, the nearest first."""
    after_scans: bool = False
    """Whether all that the scans had to say was known: what weights name as their base is only told by them."""
    original: Original | None = None
    taken_down: str = ""
    """Why the Hub does not give the commit any more, as a sentence; empty if it does."""
    standing: dict[str, Any] = {}
    """What the Hub said of the commit that matters when it changes: see `material`."""
    gaps: dict[str, str] = {}
    """Groups that could not be had for the moment, each with the reason as a sentence."""
    at: dt.datetime

    @property
    def is_complete(self) -> bool:
        """Whether all could be had. What is taken down may be there again in a while."""
        return not self.gaps and not self.taken_down

    @property
    def digest(self) -> str:
        """Of what is material: the same digest means that a decision made by the one look stands by the other."""
        document = self.as_json()
        owner = document["owner"]
        if owner is not None:
            document["owner"] = {key: owner[key] for key in owner if key not in _GROWS | _GROWS_TOO}
        for relative in document["relatives"]:
            # A parent's next commit is no news; that its licence is another is.
            relative["commit"] = ""
        # What is not known is material, and not in which words the upstream failed this time.
        document["gaps"] = sorted(self.gaps)
        said = {key: document[key] for key in document if key not in {"at", "after_scans"}}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def filled_from(self, before: Look | None) -> Look:
        """This look where what could not be had now, and was had before, is as it was."""
        if before is None:
            return self
        fields = {
            OWNER: ("owner",),
            HISTORY: ("committed_at", "first_commit"),
            HUB_SCAN: ("hub_scan", "standing"),
            LICENSE: (),
            LINEAGE: ("relatives",),
            COPIED: ("original",),
        }
        had = [group for group in self.gaps if group not in before.gaps]
        kept = {name: getattr(before, name) for group in had for name in fields.get(group, ())}
        # The files of a commit are what they are: one that was read stays read.
        kept["texts"] = before.texts | self.texts
        left = {group: why for group, why in self.gaps.items() if group not in had}
        return self.model_copy(update=kept | {"gaps": left})

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls.model_validate(document)


def all_unknown(why: str, at: dt.datetime) -> Look:
    """A look that saw nothing."""
    return Look(gaps=dict.fromkeys(GROUPS, why), at=at)


def material(info: dict[str, Any]) -> dict[str, Any]:
    """Of what the Hub says of a commit, that on which a decision about it rests and which changes while it stays."""
    card = info.get("cardData")
    card = card if isinstance(card, dict) else {}
    tags = info.get("tags")
    licenses = (
        [tag for tag in tags if isinstance(tag, str) and tag.startswith("license:")] if isinstance(tags, list) else []
    )
    return {
        "license": [card.get(name) for name in ("license", "license_name", "license_link")],
        "tags": sorted(licenses),
        "gated": info.get("gated", False),
        "private": bool(info.get("private", False)),
        "disabled": bool(info.get("disabled", False)),
    }

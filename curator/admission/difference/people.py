"""Whose it is, what it may be used for, where it comes from, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator

from curator.admission.difference.said import Change, Weight
from curator.admission.difference.side import Side

_HALF, _DOUBLE = 0.5, 2.0
_FEW = 100
"""Downloads; below, a half or a double of them says nothing."""


def owner(before: Side, after: Side) -> Iterator[Change]:
    """The account, as the Hub describes it."""
    was, is_ = before.facts.owner, after.facts.owner
    if is_.changed and not was.changed:
        yield Change("owner", "changed", Weight.GRAVE, f"The name is somebody else's now: {is_.why}")
    for field, said in (("kind", "The owner is a"), ("created_at", "The owner's account was made at")):
        old, new = getattr(was, field), getattr(is_, field)
        if old != new and old not in {None, "unknown"} and new not in {None, "unknown"}:
            yield Change("owner", "changed", Weight.GRAVE, f"{said} {new} instead of {old}.", "", str(old), str(new))
    if was.verified != is_.verified:
        weight = Weight.SMALL if is_.verified else Weight.NOTABLE
        said = "is verified by the Hub now" if is_.verified else "is not verified by the Hub any more"
        yield Change("owner", "changed", weight, f"The owner {said}.")


def licence(before: Side, after: Side) -> Iterator[Change]:
    """What it may be used for."""
    was, is_ = before.facts.license, after.facts.license
    old, new = was.expression or "none", is_.expression or "none"
    if (old, was.category) != (new, is_.category):
        said = f"The licence is {new} ({is_.category.value}) instead of {old} ({was.category.value})."
        yield Change("licence", "changed", Weight.NOTABLE, said, "", old, new)
    if is_.disagrees and not was.disagrees:
        yield Change("licence", "changed", Weight.NOTABLE, f"Places say different licences now: {is_.why}")
    for term in sorted(set(is_.terms) - set(was.terms)):
        yield Change("licence", "added", Weight.SMALL, f"The licence now asks for: {term}.", after=term)


def lineage(before: Side, after: Side) -> Iterator[Change]:
    """What it was made from, and the conflicts of licences on the way."""
    was = {(hop.child, hop.parent): hop for hop in before.facts.lineage.hops}
    is_ = {(hop.child, hop.parent): hop for hop in after.facts.lineage.hops}
    own = after.facts.repository
    for key in sorted(is_.keys() - was.keys()):
        weight = Weight.NOTABLE if key[0] == own else Weight.SMALL
        said = f"{key[0]} names a new parent: {key[1]} ({is_[key].relation or 'relation unknown'})."
        yield Change("lineage", "added", weight, said, after=key[1])
    for key in sorted(was.keys() - is_.keys()):
        weight = Weight.NOTABLE if key[0] == own else Weight.SMALL
        yield Change("lineage", "removed", weight, f"{key[0]} names {key[1]} as its parent no more.", before=key[1])
    for key in sorted(is_.keys() & was.keys()):
        if is_[key].license != was[key].license:
            said = (
                f"{key[1]} has another licence: {is_[key].license or 'none'} instead of {was[key].license or 'none'}."
            )
            yield Change("lineage", "changed", Weight.NOTABLE, said, "", was[key].license, is_[key].license)
    known = {(one.id, one.parent) for one in before.facts.lineage.conflicts}
    for one in after.facts.lineage.conflicts:
        if (one.id, one.parent) not in known:
            weight = Weight.NOTABLE if one.level == "conflict" else Weight.SMALL
            yield Change("lineage", "added", weight, f"{one.clause} {one.cure}", after=one.id)


def standing(before: Side, after: Side) -> Iterator[Change]:
    """How the Hub has it."""
    was, is_ = before.facts, after.facts
    for field, word in (("gated", "wants terms accepted"), ("private", "is private"), ("taken_down", "is taken down")):
        old, new = getattr(was, field), getattr(is_, field)
        if old != new:
            weight = Weight.GRAVE if field == "taken_down" and new else Weight.SMALL
            yield Change("standing", "changed", weight, f"The repository {word}{'' if new else ' no more'}.")
    if was.hub_scan != is_.hub_scan:
        weight = Weight.GRAVE if is_.hub_scan == "unsafe" else Weight.SMALL
        said = f"The Hub's own scanners say {is_.hub_scan} instead of {was.hub_scan}."
        yield Change("standing", "changed", weight, said, "", was.hub_scan, is_.hub_scan)
    for field, word in (("library", "library"), ("pipeline_tag", "task")):
        old, new = getattr(was, field) or "none", getattr(is_, field) or "none"
        if old != new:
            said = f"The card's {word} is {new} instead of {old}."
            yield Change("standing", "changed", Weight.SMALL, said, "", old, new)
    added = sorted(set(is_.code_from) - set(was.code_from))
    for repository in added:
        said = f"The configuration takes code from another repository: {repository}."
        yield Change("code", "added", Weight.GRAVE, said, after=repository)
    if was.downloads > _FEW and not _HALF <= is_.downloads / was.downloads <= _DOUBLE:
        said = f"Downloads a month are {is_.downloads:,} instead of {was.downloads:,}."
        yield Change("standing", "changed", Weight.SMALL, said, "", f"{was.downloads:,}", f"{is_.downloads:,}")

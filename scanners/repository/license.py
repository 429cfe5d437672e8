"""Which licence a repository declares, and what kind of licence that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scanners.repository.license_list import CATEGORIES, MISSING, UNKNOWN, known_licenses, reference, slug

_TAG = "license:"


@dataclass(frozen=True, slots=True)
class License:
    """What is declared, as the Hub writes it; the same in SPDX; and its kind.

    With nothing declared, the expression is SPDX's NOASSERTION and the category 'missing'.
    """

    declared: tuple[str, ...]
    expression: str
    category: str


def license_of(card: object, tags: Sequence[str] = ()) -> License:
    """The licence in the card or, where the card says nothing of it, in the tags; garbage is 'unknown'."""
    fields: dict[Any, Any] = card if isinstance(card, dict) else {}
    ids, unreadable = _ids(fields.get("license"))
    if not ids and not unreadable:
        ids = _of_tags(tags)
        unreadable = not ids and card is not None and not isinstance(card, dict)
    if not ids and not unreadable:
        named = _text(fields.get("license_name")) or _text(fields.get("license_link"))
        if not named:
            return License((), "NOASSERTION", MISSING)
        ids = ("other",)  # Half a declaration: the Hub reads these two only beside `license: other`.
    entries = [_entry(license_id, fields.get("license_name")) for license_id in ids]
    if unreadable:
        entries.append((reference(UNKNOWN), UNKNOWN))
    expression = " AND ".join(dict.fromkeys(spdx for spdx, _ in entries))
    return License(ids, expression, max((category for _, category in entries), key=CATEGORIES.index))


def _ids(value: object) -> tuple[tuple[str, ...], bool]:
    """The licence ids in a card's field, and whether something there could not be read."""
    if value is None:
        return (), False
    values = list(value) if isinstance(value, list | tuple) else [value]
    ids = [_id(one) for one in values if isinstance(one, str)]
    unreadable = any(one is not None and not isinstance(one, str) for one in values)
    return tuple(dict.fromkeys(one for one in ids if one)), unreadable


def _of_tags(tags: object) -> tuple[str, ...]:
    if not isinstance(tags, list | tuple):
        return ()
    ids = [_id(tag[len(_TAG) :]) for tag in tags if isinstance(tag, str) and tag[: len(_TAG)].lower() == _TAG]
    return tuple(dict.fromkeys(one for one in ids if one))


def _entry(license_id: str, name: object) -> tuple[str, str]:
    """Expression and category."""
    if license_id == "other" and (named := _text(name)):
        return reference("other-" + named), UNKNOWN
    found = known_licenses().get(license_id)
    return (found.spdx, found.category) if found else (reference(license_id), UNKNOWN)


def _id(value: str) -> str:
    return slug(value)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""

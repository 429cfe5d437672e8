"""Which licence a repository declares, and what kind of licence that is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

MISSING = "missing"
UNKNOWN = "unknown"
CATEGORIES = (
    "permissive",
    "copyleft",
    "use-restricted",
    "community",
    UNKNOWN,
    "no-derivatives",
    "non-commercial",
)
"""From the least to the most restrictive: of several licences, the category furthest to the right counts."""

_REFERENCE = "LicenseRef-hf-"
_TAG = "license:"
_LONGEST_REFERENCE = 80


@dataclass(frozen=True, slots=True)
class License:
    """What is declared, as the Hub writes it; the same in SPDX; and its kind.

    With nothing declared, the expression is SPDX's NOASSERTION and the category 'missing'.
    """

    declared: tuple[str, ...]
    expression: str
    category: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the Hub's licence ids."""

    spdx: str
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
        entries.append(Entry(_REFERENCE + UNKNOWN, UNKNOWN))
    expression = " AND ".join(dict.fromkeys(entry.spdx for entry in entries))
    return License(ids, expression, max((entry.category for entry in entries), key=CATEGORIES.index))


@lru_cache(maxsize=1)
def known_licenses() -> dict[str, Entry]:
    """Every licence id of the Hub."""
    text = files("scanners").joinpath("data", "licenses.yaml").read_text(encoding="utf-8")
    return {str(key): Entry(value["spdx"], value["category"]) for key, value in yaml.safe_load(text).items()}


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


def _entry(license_id: str, name: object) -> Entry:
    if license_id == "other" and (named := _text(name)):
        return Entry(_reference("other-" + named), UNKNOWN)
    return known_licenses().get(license_id) or Entry(_reference(license_id), UNKNOWN)


def _id(value: str) -> str:
    return re.sub(r"[\s_]+", "-", value.strip().lower())


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _reference(text: str) -> str:
    """A name of our own in SPDX, which allows letters, digits, dots and dashes there."""
    slug = re.sub(r"[^a-z0-9.]+", "-", text.lower())[:_LONGEST_REFERENCE].strip("-.")
    return _REFERENCE + (slug or UNKNOWN)

"""The licences and terms that we know, from `scanners/data/licenses.yaml` and `scanners/data/terms.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
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

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same, ten times as fast, where PyYAML was built with it."""

REFERENCE = "LicenseRef-hf-"
CHANGED = f"{REFERENCE}changed-"
"""Begins the name of a known licence's text with changes, such as `LicenseRef-hf-changed-MIT`."""
_LONGEST_REFERENCE = 80
_LONGEST_LINK = 2000


@dataclass(frozen=True, slots=True)
class Term:
    """Something that licences ask for."""

    id: str
    says: str
    """What it asks for, as a sentence."""
    kept_by: str
    """What one does to keep it, as a sentence."""
    inherited: bool
    """Whether it also holds for what is made from the work."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A term as one licence puts it."""

    term: str
    says: str
    where: str
    """Where it stands: `section 1.b.i`."""
    license: str
    """Name of the licence, for people."""

    @property
    def source(self) -> str:
        return f"{self.license}, {self.where}" if self.where else self.license


@dataclass(frozen=True, slots=True)
class Entry:
    """One licence."""

    id: str
    """The Hub's id; ours for what the Hub has no id for."""
    spdx: str
    category: str
    name: str
    family: bool
    """Whether the id names several licences."""
    members: tuple[str, ...]
    """Of a family: the expressions it may mean; * stands for anything."""
    clauses: tuple[Clause, ...]
    names: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        return tuple(clause.term for clause in self.clauses)


@lru_cache(maxsize=1)
def known_terms() -> dict[str, Term]:
    """Every term, by its id."""
    return {
        name: Term(name, value["says"], value["kept_by"], value["inherited"])
        for name, value in data("terms.yaml").items()
    }


@lru_cache(maxsize=1)
def known_licenses() -> dict[str, Entry]:
    """Every licence, by its id: the Hub's ids first."""
    return {name: _entry(name, value) for section in data("licenses.yaml").values() for name, value in section.items()}


@lru_cache(maxsize=1)
def hub_licenses() -> dict[str, Entry]:
    """The licence ids of the Hub."""
    return {name: known_licenses()[name] for name in data("licenses.yaml")["hub"]}


def by_expression(symbol: str) -> Entry | None:
    """The licence that one SPDX id or LicenseRef stands for, in any case of letters."""
    return _by_expression().get(symbol.lower())


def by_name(name: str) -> Entry | None:
    """The licence that a card's `license_name` means; None if nobody knows it."""
    name = slug(name)[:_LONGEST_REFERENCE]
    found = known_licenses().get(name) or by_expression(name)
    if found:
        return found if found.id not in ("other", UNKNOWN) else None
    return next((entry for pattern, entry in _names() if fnmatchcase(name, pattern)), None)


def by_link(link: str) -> Entry | None:
    """The licence whose address a card's `license_link` is; None if it does not say."""
    link = link.strip().lower()[:_LONGEST_LINK]
    return next((entry for pattern, entry in _links() if fnmatchcase(link, f"*{pattern}*")), None)


def reference(text: str) -> str:
    """A name of our own in SPDX, which allows letters, digits, dots and dashes there."""
    named = re.sub(r"[^a-z0-9.]+", "-", text.lower())[:_LONGEST_REFERENCE].strip("-.")
    return REFERENCE + (named or UNKNOWN)


def slug(text: str) -> str:
    """How ids and names of licences are written: lower case, dashes."""
    return re.sub(r"[\s_]+", "-", text.strip().lower())


def data(name: str) -> dict[str, Any]:
    """One of the data files, as it stands there."""
    loaded: dict[str, Any] = yaml.load(files("scanners").joinpath("data", name).read_bytes(), Loader=_LOADER)  # noqa: S506
    return loaded


@lru_cache(maxsize=1)
def _by_expression() -> dict[str, Entry]:
    return {entry.spdx.lower(): entry for entry in reversed(known_licenses().values())}


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[str, Entry], ...]:
    """Patterns of names; the longest first, as it says the most."""
    return _by_length((pattern, entry) for entry in known_licenses().values() for pattern in entry.names)


@lru_cache(maxsize=1)
def _links() -> tuple[tuple[str, Entry], ...]:
    return _by_length((pattern, entry) for entry in known_licenses().values() for pattern in entry.links)


def _by_length(patterns: Any) -> tuple[tuple[str, Entry], ...]:
    return tuple(sorted(patterns, key=lambda found: (-len(found[0]), found[0])))


def _entry(name: str, value: Mapping[str, Any]) -> Entry:
    full = value.get("name") or value["spdx"].removeprefix(REFERENCE)
    return Entry(
        id=name,
        spdx=value["spdx"],
        category=value["category"],
        name=full,
        family=value.get("family", False),
        members=tuple(value.get("members", ())),
        clauses=tuple(_clause(term, where, full) for term, where in value.get("terms", {}).items()),
        names=tuple(value.get("names", ())),
        links=tuple(value.get("links", ())),
    )


def _clause(term: str, where: str | Mapping[str, str], license_name: str) -> Clause:
    if isinstance(where, str):
        return Clause(term, known_terms()[term].says, where, license_name)
    return Clause(term, where["says"], where["where"], license_name)

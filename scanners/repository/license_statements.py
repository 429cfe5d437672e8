"""Who says what of a repository's licence: its card, the Hub's tags, its files, and the headers of its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanners.repository.license_expressions import Expression, all_of, one_license, read
from scanners.repository.license_files import About, about, called, recognise, recognise_notice, recognise_section
from scanners.repository.license_list import (
    UNKNOWN,
    Entry,
    by_expression,
    by_link,
    by_name,
    reference,
    slug,
)
from scanners.repository.license_text import Match

SOURCES = ("card", "tags", "file", "gguf", "safetensors", "readme")
"""Places that say what the licence is, the most authoritative first."""
_CARD = "README.md"
_TAG = "license:"
_UNNAMED = frozenset({"other", UNKNOWN})
_MOST_IDS = 50
_LONGEST_SAID = 100
_METADATA = (("license", "license_name", "license_link"), ("modelspec.license", "", ""))
"""Keys of a header that tell a licence, its name and its address."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one place says of the licence."""

    source: str
    """One of SOURCES."""
    path: str
    """The file that says it; empty for the tags."""
    expression: str
    """In SPDX."""
    category: str
    confidence: float = 1.0
    """How surely it was recognised; 1.0 for what is declared."""
    said: str = ""
    """As it stands there, where that is an id or a name."""
    declares: tuple[str, ...] = ()
    """The ids in the card's or the tags' own field."""
    of_code: bool = False
    """Whether it is of the code beside the model only, and says nothing of the model."""
    elsewhere: bool = False
    """Whether it only points to a text in the repository: `license: other`, or a family without a version."""


def statements_of(
    card: object,
    tags: object = (),
    files: Mapping[str, str] | None = None,
    weights: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Statement, ...]:
    """All that is said of the licence. Never raises.

    `card`: the front matter. `tags`: the Hub's, heard where the card says nothing. `files`: path and text of README.md
    and of what `license_files.about` knows. `weights`: path and the scanner's metadata of each file with a header.
    """
    files = files or {}
    found = list(_of_card(card, files))
    if not found:
        found += _of_tags(tags)
    for path, text in sorted(files.items()):
        found += _of_file(path, text)
    found += _of_weights(weights or {})
    return tuple(found)


def _of_card(card: object, files: Mapping[str, str]) -> Iterator[Statement]:
    if card is None or card == {}:
        return
    if not isinstance(card, dict):
        yield _unreadable("card", _CARD)
        return
    ids, unreadable = _ids(card.get("license"))
    name, link = _text(card.get("license_name")), _text(card.get("license_link"))
    if unreadable:
        yield _unreadable("card", _CARD)
    yield from _declared("card", _CARD, ids, name, link, files)


def _of_tags(tags: object) -> Iterator[Statement]:
    if isinstance(tags, list | tuple):
        told = [tag[len(_TAG) :] for tag in tags if isinstance(tag, str) and tag[: len(_TAG)].lower() == _TAG]
        yield from _declared("tags", "", _ids(told)[0], "", "", {})


def _of_file(path: str, text: str) -> Iterator[Statement]:
    if path == _CARD:
        yield from _recognised(recognise_section(text), "readme", path)
        return
    kind = about(path)
    if kind is About.NOTICE:
        yield from _recognised(recognise_notice(text), "file", path)
    elif kind is not None:
        yield from _recognised(recognise(text), "file", path, of_code=kind is About.CODE)


def _of_weights(weights: Mapping[str, Mapping[str, Any]]) -> Iterator[Statement]:
    """One for each licence, by the first file that tells it: the parts of a model all say the same."""
    seen: set[tuple[str, str]] = set()
    for path, metadata in sorted(weights.items()):
        source = "gguf" if path.lower().endswith(".gguf") else "safetensors"
        for license_key, name_key, link_key in _METADATA:
            told = (_text(metadata.get(key)) for key in (license_key, name_key, link_key))
            ids, name, link = next(told), next(told), next(told)
            for statement in _declared(source, path, _ids(ids or None)[0], name, link, {}):
                if (source, statement.expression) not in seen:
                    seen.add((source, statement.expression))
                    yield statement


def _declared(
    source: str, path: str, ids: tuple[str, ...], name: str, link: str, files: Mapping[str, str]
) -> Iterator[Statement]:
    """What the three fields say that the Hub has for it.

    The name and the address are there for `license: other`, but where they mean a licence that we know they are heard
    in any case: nobody may call a model `mit` and link to a licence that forbids its use.
    """
    by_fields = [(said, entry) for said, entry in ((name, _named(name)), ("by its link,", by_link(link))) if entry]
    plain = tuple(one for one in ids if one not in _UNNAMED)
    unnamed = [one for one in ids if one in _UNNAMED] or ([] if ids or not (name or link) else ["other"])
    declares = ids or tuple(unnamed)
    if plain:
        yield _declaration(source, path, _expression(plain), declares)
    if unnamed and not by_fields:
        points = not link or link.rpartition("/")[2] in files or ("://" not in link)
        other = reference(f"other-{name}") if name else reference(unnamed[0])
        yield _declaration(source, path, one_license(other), declares, said=name or unnamed[0], elsewhere=points)
    for said, entry in by_fields:
        yield _declaration(
            source, path, one_license(entry.spdx), declares, said=said if said == name else f"{said} the {entry.name}"
        )


def _declaration(
    source: str, path: str, found: Expression, declares: tuple[str, ...], said: str = "", elsewhere: bool = False
) -> Statement:
    family = bool(found.symbols) and all(_is_family(by_expression(symbol)) for symbol in found.symbols)
    return Statement(
        source,
        path,
        found.text,
        found.category,
        said=(said or ", ".join(declares))[:_LONGEST_SAID],
        declares=declares if source in ("card", "tags") else (),
        elsewhere=elsewhere or family,
    )


def _recognised(matches: Sequence[Match], source: str, path: str, of_code: bool = False) -> Iterator[Statement]:
    """One statement of all licences that a text has; as sure as the least sure of them."""
    if matches:
        found = all_of(read(match.expression) for match in matches)
        confidence = min(match.confidence for match in matches)
        yield Statement(source, path, found.text, found.category, confidence, of_code=of_code)


def _unreadable(source: str, path: str) -> Statement:
    unknown = one_license(reference(UNKNOWN))
    return Statement(source, path, unknown.text, unknown.category, 0.0, said="something that cannot be read")


def _expression(ids: tuple[str, ...]) -> Expression:
    return all_of(read(one) for one in ids)


def _ids(value: object) -> tuple[tuple[str, ...], bool]:
    """The licence ids in a field, and whether something there could not be read."""
    if value is None:
        return (), False
    values = list(value) if isinstance(value, list | tuple) else [value]
    # `Apache License, Version 2.0` is one licence, `mit, apache-2.0` are two.
    told = [part for one in values if isinstance(one, str) for part in ([one] if called(one) else one.split(","))]
    unreadable = any(one is not None and not isinstance(one, str) for one in values) or len(told) > _MOST_IDS
    ids = (_id(one) for one in told[:_MOST_IDS])
    return tuple(dict.fromkeys(one for one in ids if one)), unreadable


def _id(value: str) -> str:
    """An id of the Hub as it writes it; what is none stays as it stands there."""
    known = slug(value)
    if by_name(known) or known in _UNNAMED:
        return known
    entry = by_expression(called(value))
    return entry.id if entry else " ".join(value.split())


def _named(name: str) -> Entry | None:
    return by_name(name) if name else None


def _is_family(entry: Entry | None) -> bool:
    return entry is not None and entry.family


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""

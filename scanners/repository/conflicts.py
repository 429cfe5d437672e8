"""What the licences along a lineage ask for, and the model's own licence, name or files do not keep.

What is asked for and what keeps it is data (`conflict_rules`); here it is held against each ancestor and told in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scanners.repository.ancestry import Ancestor, ancestors_of
from scanners.repository.conflict_rules import Knowledge, Level, Rule, Terms, knowledge, terms_of
from scanners.repository.license import License
from scanners.repository.license_list import Clause, Entry
from scanners.repository.lineage import Lineage, State

_DECLARED_AWAY = (
    "no-derivatives",
    "non-commercial-dropped",
    "terms-dropped",
    "wrong-version",
    "restrictions-dropped",
    "copyleft-dropped",
    "share-alike-dropped",
    "limits-dropped",
    "display-dropped",
)
"""Conflicts with one ancestor's licence, in this order: an earlier one may make a later one superfluous."""
_OF_DATASETS = ("dataset-non-commercial", "dataset-share-alike", "dataset-no-derivatives")
_GAPS = {
    State.MISSING: "parent-missing",
    State.PRIVATE: "parent-private",
    State.UNREACHABLE: "parent-unreachable",
    State.CYCLE: "lineage-cycle",
    State.TOO_DEEP: "lineage-cut",
}
_LICENSE_FILE = re.compile(r"(?:^|/)(?:licen[cs]e|copying|terms|agreement|use[_-]?policy)[^/]*$", re.IGNORECASE)
_NOTICE_FILE = re.compile(r"(?:^|/)notice[^/]*$", re.IGNORECASE)
_ORDER = list(Level)
_MOST_CLAUSES = 3


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that is not kept; a reader needs no more than this to check and to mend it."""

    id: str
    level: Level
    parent: str
    depth: int
    """1: a parent of the repository itself; 0: a data set."""
    parent_license: str
    """SPDX expression."""
    license: str
    """SPDX expression of the repository's own."""
    clause: str
    """Which ancestor and which clause, as sentences."""
    cure: str
    """What would mend it, as a sentence."""


def conflicts_of(
    own: License,
    lineage: Lineage,
    *,
    datasets: Mapping[str, License | None] | None = None,
    card_text: str | None = None,
    paths: frozenset[str] | None = None,
) -> tuple[Conflict, ...]:
    """All conflicts, the gravest and nearest first.

    `datasets`: each data set that the card names, with its licence (None: not known). `card_text` and `paths` (of all
    files) are looked at for notices; None: not known, and nothing is said of notices.
    """
    model = _Model(lineage.root, own, terms_of(own.expression), card_text, paths, knowledge())
    ancestors = ancestors_of(lineage)
    found: list[Conflict] = []
    for ancestor in ancestors:
        found += _gaps(model, ancestor)
        if ancestor.license is not None and not ancestor.own and ancestor.state is not State.CYCLE:
            found += _with(model, ancestor, terms_of(ancestor.license.expression))
    found += _unsatisfiable(model, ancestors)
    if lineage.cut and not any(one.id == "lineage-cut" for one in found) and ancestors:
        found.append(model.tell("lineage-cut", ancestors[-1], None))
    for name, license_ in sorted((datasets or {}).items()):
        if license_ is not None:
            found += _with_dataset(model, name, license_)
    return tuple(sorted(found, key=lambda one: (_ORDER.index(one.level), one.depth, one.parent.casefold(), one.id)))


@dataclass(frozen=True, slots=True)
class _Model:
    """What all ancestors are held against."""

    name: str
    license: License
    terms: Terms
    card_text: str | None
    paths: frozenset[str] | None
    knowledge: Knowledge

    def tell(
        self,
        rule_id: str,
        ancestor: Ancestor,
        clauses: Sequence[Clause] | None,
        *,
        level: Level | None = None,
        other: str = "",
        begins: str = "",
    ) -> Conflict:
        rule = self.knowledge.rules[rule_id]
        parent = terms_of(ancestor.license.expression) if ancestor.license is not None else None
        says = list(dict.fromkeys(clause.says for clause in clauses or ()))[:_MOST_CLAUSES]
        places = list(dict.fromkeys(clause.where for clause in clauses or ()))[:_MOST_CLAUSES]
        words = {
            "parent": ancestor.name,
            "where": ancestor.where,
            "license": self.terms.name,
            "parent_license": parent.name if parent else "",
            "place": " and ".join(place for place in places if place) or "its text",
            "clause": " ".join(says),
            "name": begins,
            "other": other,
        }
        level = level or rule.level
        note = self.knowledge.note(self.name, ancestor.name, *ancestor.by_way_of) if level is Level.CONFLICT else ""
        return Conflict(
            id=rule_id,
            level=level,
            parent=ancestor.name,
            depth=ancestor.depth,
            parent_license=ancestor.license.expression if ancestor.license is not None else "",
            license=self.license.expression,
            clause=rule.told.format_map(words) + (f" {note}" if note else ""),
            cure=rule.cure.format_map(words),
        )

    def lost(self, rule: Rule, entry: Entry) -> tuple[Clause, ...]:
        """The clauses of one licence that this rule is about and that the own licence does not keep."""
        asked = rule.asked(entry)
        own = self.terms
        if not asked or (rule.kept != "never" and any(self.knowledge.keeps(one, entry) for one in own.entries)):
            return ()
        if rule.kept_by & own.terms:
            return ()
        if rule.kept == "term":
            return tuple(clause for clause in asked if clause.term not in own.terms)
        if rule.family:
            is_version = any(self.knowledge.is_version_of(one, entry) for one in own.entries)
            return asked if is_version == (rule.family == "same") else ()
        return asked


def _with(model: _Model, ancestor: Ancestor, parent: Terms) -> Iterator[Conflict]:
    rules = model.knowledge.rules
    for entry in parent.entries:
        told: set[str] = set()
        unclear: list[Clause] = []
        for rule_id in _DECLARED_AWAY:
            rule = rules[rule_id]
            lost = model.lost(rule, entry)
            if not lost or told & rule.unless:
                continue
            told.add(rule_id)
            if rule_id != "no-derivatives" and (model.terms.missing or model.terms.unknown):
                unclear += lost
            else:
                yield model.tell(rule_id, ancestor, lost, level=_softened(rule, ancestor))
        if unclear:
            rule_id = "own-license-missing" if model.terms.missing else "own-license-unknown"
            yield model.tell(rule_id, ancestor, unclear[:1])
        yield from _duties(model, ancestor, entry, told)


def _softened(rule: Rule, ancestor: Ancestor) -> Level | None:
    if ancestor.only_added_to and "adapter" in rule.softer:
        return rule.softer["adapter"]
    if ancestor.only_quantized and "quantized" in rule.softer:
        return rule.softer["quantized"]
    return None


def _duties(model: _Model, ancestor: Ancestor, entry: Entry, told: set[str]) -> Iterator[Conflict]:
    """What the licence wants besides being declared."""
    rules, data = model.knowledge.rules, model.knowledge

    def applies(rule_id: str) -> tuple[Clause, ...]:
        rule = rules[rule_id]
        spared = bool(told & rule.unless) or (ancestor.only_quantized and "quantized" in rule.not_for)
        return () if spared else rule.asked(entry)

    begins = data.names.get(entry.id)
    if begins is not None and not _begins(model.name, begins) and (clauses := applies("naming-missing")):
        yield model.tell("naming-missing", ancestor, clauses, begins=begins)
    sentences = data.sentences.get(entry.id, ())
    if sentences and model.card_text is not None and (clauses := applies("built-with-missing")):
        words = " ".join(model.card_text.split()).casefold()
        if not any(sentence.casefold() in words for sentence in sentences):
            yield model.tell("built-with-missing", ancestor, clauses)
    shipped = model.paths is None or any(_LICENSE_FILE.search(path) for path in model.paths)
    if not shipped and (clauses := applies("agreement-missing")):
        yield model.tell("agreement-missing", ancestor, clauses[:1])
    noted = model.paths is None or not shipped or any(_NOTICE_FILE.search(path) for path in model.paths)
    if not noted and entry.id in data.notice_files and (clauses := applies("notice-missing")):
        yield model.tell("notice-missing", ancestor, clauses)


def _begins(repository: str, word: str) -> bool:
    """Whether the name begins so, whatever stands between its words; `Meta-Llama-3` was the publisher's own way."""
    name = re.sub(r"[\W_]+", "", repository.rpartition("/")[2].casefold())
    return name.removeprefix("meta").startswith(re.sub(r"[\W_]+", "", word.casefold()))


def _gaps(model: _Model, ancestor: Ancestor) -> Iterator[Conflict]:
    if ancestor.state in _GAPS:
        yield model.tell(_GAPS[ancestor.state], ancestor, None)
    elif ancestor.license is not None and not ancestor.own:
        parent = terms_of(ancestor.license.expression)
        if parent.missing:
            yield model.tell("parent-license-missing", ancestor, None)
        elif parent.unknown:
            yield model.tell("parent-license-unknown", ancestor, None)


def _unsatisfiable(model: _Model, ancestors: Sequence[Ancestor]) -> Iterator[Conflict]:
    """Two ancestors of which one wants its own licence and nothing added, and the other something added."""
    data = model.knowledge
    known = [(one, entry) for one in ancestors if one.license for entry in terms_of(one.license.expression).entries]
    for ancestor, entry in known:
        wanted = [clause for clause in entry.clauses if clause.term == "same-terms"]
        if not wanted or entry.id in data.beside_others or ancestor.own:
            continue
        others = [
            other.name
            for other, asked in known
            if other is not ancestor
            and not other.own
            and _adds(data, asked, entry)
            and other.license != ancestor.license
        ]
        if others:
            yield model.tell("unsatisfiable", ancestor, wanted, other=_listed(others))


def _adds(data: Knowledge, asked: Entry, strict: Entry) -> bool:
    """Whether a licence asks for what a share-alike or copyleft one lets nobody add."""
    if data.keeps(asked, strict) or data.keeps(strict, asked):
        return False
    if "same-terms" in asked.terms and asked.id not in data.beside_others:
        return True
    return bool(set(asked.terms) & data.restrictions - set(strict.terms))


def _with_dataset(model: _Model, name: str, license_: License) -> Iterator[Conflict]:
    if model.terms.missing or model.terms.unknown:
        return
    dataset = Ancestor(name, 0, (), State.RESOLVED, license_, only_added_to=False, only_quantized=False, own=False)
    for entry in terms_of(license_.expression).entries:
        for rule_id in _OF_DATASETS:
            lost = model.lost(model.knowledge.rules[rule_id], entry)
            if lost:
                yield model.tell(rule_id, dataset, lost)


def _listed(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    shown = ", ".join(names[:_MOST_CLAUSES])
    return shown + (f" and {len(names) - _MOST_CLAUSES} more" if len(names) > _MOST_CLAUSES else "")

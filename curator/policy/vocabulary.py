"""The words that rules can be about, told to the rules: what the scanners of this version find, read and know."""

from __future__ import annotations

from rules.lint import Vocabulary


def vocabulary() -> Vocabulary:
    from scanners.catalogue import RULES
    from scanners.kinds import Format
    from scanners.repository.conflict_rules import knowledge
    from scanners.repository.license_list import known_licenses, known_terms

    return Vocabulary(
        findings=frozenset(RULES),
        formats=frozenset({*(one.value for one in Format), "unknown"}),
        licenses=frozenset(name.lower() for name in known_licenses()),
        conflicts=frozenset(knowledge().rules),
        terms=frozenset(known_terms()),
    )

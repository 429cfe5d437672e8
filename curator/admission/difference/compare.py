"""Two commits to what is otherwise in the second: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from curator.admission.difference import contents, people, texts
from curator.admission.difference.said import ORDER, Change, Difference
from curator.admission.difference.side import Side

_MOST = 200
"""Changes of one group that are named."""

_Comparison = Callable[[Side, Side], Iterator[Change]]
_COMPARISONS: tuple[_Comparison, ...] = (
    contents.findings,
    contents.imports,
    contents.code,
    people.owner,
    people.licence,
    people.lineage,
    contents.files,
    texts.settings,
    contents.weights,
    people.standing,
)
_ORDER = "findings owner imports code template licence lineage config requirements files weights card standing"
_GROUPS = {name: at for at, name in enumerate(_ORDER.split())}


def difference(before: Side, after: Side) -> Difference:
    """What is otherwise in `after`, what matters most first."""
    found: list[Change] = []
    for compare in _COMPARISONS:
        found += compare(before, after)
    written, changed_texts, unseen = texts.written(before, after)
    found += written
    # The sort is stable: within a group as they were found.
    found.sort(key=lambda change: (ORDER[change.weight], _GROUPS[change.group]))
    kept: list[Change] = []
    count: Counter[str] = Counter()
    for change in found:
        count[change.group] += 1
        if count[change.group] <= _MOST:
            kept.append(change)
    more = {group: number - _MOST for group, number in count.items() if number > _MOST}
    return Difference(
        before.facts.commit, after.facts.commit, tuple(kept), tuple(changed_texts), tuple(unseen), more or None
    )

"""Examines the look-alike judge with labelled repository names: precision and recall, by technique, and every error.

    python -m benchmarks.names [--half held-out|tuned|blind|all] [--json result.json] [--verbose] [--thorough]

Beside it, in the same run and with the same list of publishers, what naive judges say: a Levenshtein distance of at
most two from a publisher's name, and rapidfuzz's ratio of at least 85.

`--thorough` adds two counts over the whole list of publishers, in about half a minute: how many of them would be blamed
if we did not know them (each is taken out of the lists, then judged), and how many of the slips and disguises that can
be made of the companies' names by rule are found.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from fixtures.names import HALVES, Half, Labelled, labelled
from scanners.repository.confusables import neighbours
from scanners.repository.known import shipped
from scanners.repository.names import is_known_publisher, lookalike

BLOCKED, HELD = 0.85, 0.7


@dataclass(frozen=True, slots=True)
class Counted:
    """How often a judge was right, at one threshold."""

    found: int
    wrongly_blamed: int
    imitations: int

    @property
    def precision(self) -> float:
        said = self.found + self.wrongly_blamed
        return self.found / said if said else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.imitations if self.imitations else 1.0


def score_of(name: str) -> float:
    found = lookalike(name)
    return found.score if found else 0.0


def by_distance(name: str) -> float:
    """A naive judge: 1 for a namespace at most two edits from a publisher's."""
    namespace = name.partition("/")[0].casefold()
    if is_known_publisher(namespace):
        return 0.0
    near = process.extractOne(namespace, sorted(shipped().publisher_names), scorer=Levenshtein.distance, score_cutoff=2)
    return 0.0 if near is None else 1.0


def by_ratio(name: str) -> float:
    """Another: 1 for a namespace that rapidfuzz calls 85 % alike."""
    namespace = name.partition("/")[0].casefold()
    if is_known_publisher(namespace):
        return 0.0
    near = process.extractOne(namespace, sorted(shipped().publisher_names), scorer=fuzz.ratio, score_cutoff=85)
    return 0.0 if near is None else 1.0


def count(names: Sequence[Labelled], judge: Callable[[str], float], threshold: float) -> Counted:
    said = [one for one in names if judge(one.name) >= threshold]
    return Counted(
        found=sum(one.imitates for one in said),
        wrongly_blamed=sum(not one.imitates for one in said),
        imitations=sum(one.imitates for one in names),
    )


def microseconds(names: Sequence[Labelled]) -> float:
    """CPU time for one name, the lists being loaded."""
    score_of("a/b")
    began = time.process_time()
    for one in names:
        lookalike(one.name)
    return (time.process_time() - began) / len(names) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=[*HALVES, "all"], default="all")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--verbose", action="store_true", help="every error, not only the blocked and the missed ones")
    parser.add_argument("--thorough", action="store_true", help="the two counts over the whole list of publishers, too")
    given = parser.parse_args()
    halves: tuple[Half, ...] = HALVES if given.half == "all" else (given.half,)
    results: dict[str, dict[str, object]] = {}
    for half in halves:
        names = labelled(half)
        results[half] = _half(half, names)
        _errors(names, verbose=given.verbose)
    if given.thorough:
        results["as if not known"] = _left_out()
        results["by rule"] = _by_rule()
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _half(half: str, names: Sequence[Labelled]) -> dict[str, object]:
    imitations = sum(one.imitates for one in names)
    print(f"\n{half}: {len(names)} names, {imitations} imitations and {len(names) - imitations} honest ones")
    print(f"{'judge':<34}{'precision':>10}{'recall':>8}{'found':>7}{'wrongly blamed':>16}")
    rows: dict[str, object] = {"names": len(names), "imitations": imitations}
    for title, judge, threshold in (
        (f"ours, score {BLOCKED} and more", score_of, BLOCKED),
        (f"ours, score {HELD} and more", score_of, HELD),
        ("Levenshtein distance of 2 or less", by_distance, 1.0),
        ("rapidfuzz ratio of 85 or more", by_ratio, 1.0),
    ):
        counted = count(names, judge, threshold)
        print(
            f"{title:<34}{counted.precision:>10.3f}{counted.recall:>8.3f}{counted.found:>7}{counted.wrongly_blamed:>16}"
        )
        rows[title] = {"precision": counted.precision, "recall": counted.recall}
    techniques: dict[str, list[Labelled]] = defaultdict(list)
    for one in names:
        techniques[("imitation: " if one.imitates else "honest: ") + one.technique].append(one)
    print(f"\n{'':<28}{'names':>6}{f'at {BLOCKED}':>9}{f'at {HELD}':>8}{'naive':>7}")
    for technique, ones in sorted(techniques.items()):
        at = [sum(judge(one.name) >= threshold for one in ones) for judge, threshold in _JUDGES]
        print(f"{technique:<28}{len(ones):>6}{at[0]:>9}{at[1]:>8}{at[2]:>7}")
        rows[technique] = {"names": len(ones), "blocked": at[0], "held": at[1], "naive": at[2]}
    rows["microseconds"] = microseconds(names)
    print(f"\n{rows['microseconds']:.0f} us for a name")
    return rows


_JUDGES: tuple[tuple[Callable[[str], float], float], ...] = ((score_of, BLOCKED), (score_of, HELD), (by_distance, 1.0))


def _errors(names: Sequence[Labelled], *, verbose: bool) -> None:
    for one in names:
        found = lookalike(one.name)
        score = found.score if found else 0.0
        said = f"{score:.2f} {found.why}" if found else "nothing"
        if one.imitates and score < (BLOCKED if verbose else HELD):
            print(f"missed: {one.name!a} ({one.technique}, {one.of}): {said}")
        elif one.imitates and found and found.of.partition("/")[0].lower() != one.of.partition("/")[0].lower():
            print(f"another was named: {one.name!a} is for {one.of}: {said}")
        elif not one.imitates and score >= (HELD if verbose else BLOCKED):
            print(f"wrongly blamed: {one.name!a} ({one.technique}): {said}")


def _left_out() -> dict[str, object]:
    """Every publisher judged as if it were on no list: honest names that nobody chose."""
    known, blamed = shipped(), []
    for publisher in known.publishers:
        without = replace(
            known,
            publishers=tuple(name for name in known.publishers if name != publisher),
            repositories=tuple(name for name in known.repositories if name.partition("/")[0] != publisher),
            called=tuple(word for word in known.called if word.of != publisher),
        )
        found = lookalike(f"{publisher}/some-model", without)
        if found and found.score >= HELD and not known.same_house(publisher, found.of):
            blamed.append((publisher, found))
    blocked = [publisher for publisher, found in blamed if found.score >= BLOCKED]
    print(f"\nas if not known: {len(known.publishers)} publishers, {len(blocked)} blocked, {len(blamed)} at {HELD}")
    for publisher, found in blamed:
        print(f"wrongly blamed: {publisher}: {found.score:.2f} {found.why}")
    return {"publishers": len(known.publishers), "blocked": len(blocked), "held": len(blamed)}


def _by_rule() -> dict[str, object]:
    """All slips and disguises of the companies' namespaces, together with the name of one of their repositories."""
    known, counts = shipped(), dict[str, list[int]]()
    for owner in sorted(known.companies):
        mine = next((name for name in known.repositories if name.partition("/")[0] == owner), f"{owner}/some-model")
        for technique, disguise in disguises(owner):
            if known.is_publisher(disguise) or len(disguise) < 3:
                continue
            score = score_of(f"{disguise}/{mine.partition('/')[2]}")
            of_technique = counts.setdefault(technique, [0, 0, 0])
            of_technique[0] += 1
            of_technique[1] += score >= BLOCKED
            of_technique[2] += score >= HELD
    print(f"\nby rule: {len(known.companies)} companies\n{'':<16}{'names':>7}{f'at {BLOCKED}':>9}{f'at {HELD}':>8}")
    for technique, (made, blocked, held) in sorted(counts.items()):
        print(f"{technique:<16}{made:>7}{blocked / made:>9.1%}{held / made:>8.1%}")
    return {
        technique: {"names": made, "blocked": blocked, "held": held}
        for technique, (made, blocked, held) in counts.items()
    }


def disguises(owner: str) -> Iterator[tuple[str, str]]:
    """What can be made of a namespace by one rule each."""
    for at, letter in enumerate(owner):
        before, after = owner[:at], owner[at + 1 :]
        if not letter.isalnum():
            yield "separator", before + after
            yield "separator", before + "_" + after
            continue
        yield "dropped", before + after
        yield "doubled", before + letter * 2 + after
        if after and after[0].isalnum() and after[0].lower() != letter.lower():
            yield "swapped", before + after[0] + letter + after[1:]
        for other in "abcdefghijklmnopqrstuvwxyz":
            if neighbours(letter.lower(), other):
                yield "keyboard", before + other + after
        for drawn in _DRAWN_ALIKE.get(letter.lower(), ()):
            yield "confusable", before + drawn + after
    for word in ("official", "real", "verified"):
        yield "claim", f"{owner}-{word}"
        yield "claim", f"{word}-{owner}"
    for word in ("ai", "hf", "models", "team", "hub", "org"):
        yield "affix", f"{owner}-{word}"
        yield "affix", f"{word}-{owner}"
    parts = owner.split("-")
    if len(parts) > 1:
        yield "order", "-".join(reversed(parts))


_DRAWN_ALIKE = {"l": "1I", "i": "1l", "o": "0", "e": "3", "a": "4", "s": "5", "m": ("rn",), "w": ("vv",), "d": ("cl",)}


if __name__ == "__main__":
    main()

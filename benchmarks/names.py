"""Examines the look-alike judge with labelled repository names: precision and recall, by technique, and every error.

    python -m benchmarks.names [--half held-out|tuned|both] [--json result.json] [--verbose]

Beside it, in the same run and with the same list of publishers, what naive judges say: a Levenshtein distance of at
most two from a publisher's name, and rapidfuzz's ratio of at least 85.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from fixtures.names import HALVES, Half, Labelled, labelled
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
    parser.add_argument("--half", choices=[*HALVES, "both"], default="both")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--verbose", action="store_true", help="every error, not only the blocked and the missed ones")
    given = parser.parse_args()
    halves: tuple[Half, ...] = HALVES if given.half == "both" else (given.half,)
    results = {}
    for half in halves:
        names = labelled(half)
        results[half] = _half(half, names)
        _errors(names, verbose=given.verbose)
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


if __name__ == "__main__":
    main()

"""What is dangerous is found, with the weight it deserves; what is ordinary is left alone."""

from __future__ import annotations

import pytest

from fixtures.corpus import Sample, families, samples_of
from scanners.finding import Report, Severity, Verdict
from scanners.scan import scan
from scanners.source import MemorySource


def reports_of(sample: Sample) -> list[Report]:
    return [scan(MemorySource(content), path, engines=False) for path, content in sample.files.items()]


def worst(reports: list[Report]) -> Severity | None:
    found = [finding.severity for report in reports for finding in report.findings]
    return max(found, key=lambda severity: severity.rank, default=None)


def wrong_with_unsafe(sample: Sample, deserves: Severity) -> str | None:
    """What is wrong in what was found in it."""
    found = worst(reports_of(sample))
    if found is None:
        return "nothing was found"
    if deserves.rank >= Severity.HIGH.rank:
        right = found.rank >= Severity.HIGH.rank
    else:
        # High and critical are one verdict.
        right = found is Severity.MEDIUM or (
            found.rank >= Severity.HIGH.rank and sample.may_be.rank >= Severity.HIGH.rank
        )
    return None if right else f"it deserves {deserves.value}, and is {found.value}"


def wrong_with_ordinary(sample: Sample) -> str | None:
    reports = reports_of(sample)
    if unscannable := [report.unscannable for report in reports if report.unscannable]:
        return f"it could not be scanned: {unscannable}"
    found = worst(reports)
    if found is not None and found.rank > sample.may_be.rank:
        return f"it was blamed: {[report.findings for report in reports]}"
    verdicts = [report.verdict for report in reports]
    return None if set(verdicts) <= {Verdict.SAFE, Verdict.SUSPICIOUS} else f"the verdicts are {verdicts}"


@pytest.mark.parametrize("family", families())
def test_unsafe_files_are_found_with_the_weight_they_deserve_and_ordinary_ones_left_alone(family: str) -> None:
    """A family at a time: a test for each of the thousands of files would take as long as the files."""
    wrong: dict[str, str] = {}
    for sample in samples_of(family):
        said = wrong_with_ordinary(sample) if sample.deserves is None else wrong_with_unsafe(sample, sample.deserves)
        if said is not None:
            wrong[sample.id] = said
    assert wrong == {}

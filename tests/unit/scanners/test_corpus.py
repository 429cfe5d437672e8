"""What is dangerous is found, with the weight it deserves; what is ordinary is left alone."""

from __future__ import annotations

import pytest

from fixtures.corpus import Sample, all_samples
from scanners.finding import Report, Severity, Verdict
from scanners.scan import scan
from scanners.source import MemorySource

SAMPLES = list(all_samples())
UNSAFE = [sample for sample in SAMPLES if not sample.is_ordinary]
ORDINARY = [sample for sample in SAMPLES if sample.is_ordinary]


def reports_of(sample: Sample) -> list[Report]:
    return [scan(MemorySource(content), path, engines=False) for path, content in sample.files.items()]


def worst(reports: list[Report]) -> Severity | None:
    found = [finding.severity for report in reports for finding in report.findings]
    return max(found, key=lambda severity: severity.rank, default=None)


@pytest.mark.parametrize("sample", UNSAFE, ids=lambda sample: sample.id)
def test_an_unsafe_file_is_found_with_the_weight_it_deserves(sample: Sample) -> None:
    assert sample.deserves is not None
    found = worst(reports_of(sample))
    assert found is not None, "nothing was found"
    if sample.deserves.rank >= Severity.HIGH.rank:
        assert found.rank >= Severity.HIGH.rank
    else:
        assert Severity.MEDIUM.rank <= found.rank
        # High and critical are one verdict.
        assert found is Severity.MEDIUM or sample.may_be.rank >= Severity.HIGH.rank


@pytest.mark.parametrize("sample", ORDINARY, ids=lambda sample: sample.id)
def test_an_ordinary_file_is_left_alone(sample: Sample) -> None:
    reports = reports_of(sample)
    assert [report.unscannable for report in reports if report.unscannable] == []
    found = worst(reports)
    assert found is None or found.rank <= sample.may_be.rank, [report.findings for report in reports]
    assert all(report.verdict in (Verdict.SAFE, Verdict.SUSPICIOUS) for report in reports)

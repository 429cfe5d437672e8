"""For code scanning: SARIF 2.1.0 (OASIS), one run with the rules that found something.

A file that could not be judged is a result, so that it is seen, and a notification, so that the run says it was not
complete.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scanners.catalogue import RULES
from scanners.finding import Finding, Severity
from scanners.output.record import PACKAGE_VERSION, Scanned, engines_of, exit_code

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
NOT_JUDGED = "not-judged"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""On the scale of CVSS, which GitHub sorts by: critical from 9.0, high from 7.0, medium from 4.0."""
_ROOT = Path(__file__).resolve().parents[2]
_PAGES = (_ROOT / "scanners" / "data" / "findings", _ROOT / "docs" / "findings")
"""In an installed package, in a checkout."""


def render(scanned: Sequence[Scanned], *, fail_on: Severity, quiet: bool = False) -> str:
    del quiet
    return json.dumps(log(scanned, fail_on), indent=1)


def log(scanned: Sequence[Scanned], fail_on: Severity) -> dict[str, Any]:
    found = sorted({finding.rule for one in scanned for finding in one.report.findings})
    if any(not one.report.complete for one in scanned):
        found.append(NOT_JUDGED)
    index = {rule: number for number, rule in enumerate(found)}
    results: list[dict[str, Any]] = []
    notifications: list[dict[str, Any]] = []
    for number, one in enumerate(scanned):
        results += [_result(finding, one, number, index) for finding in one.report.findings]
        if one.report.unscannable is not None:
            open_end = _open_end(one, number)
            results.append({"ruleId": NOT_JUDGED, "ruleIndex": index[NOT_JUDGED], **open_end})
            notifications.append({"descriptor": {"id": NOT_JUDGED}, **open_end})
    engines = engines_of(scanned)
    del engines["curator"]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Model Curator",
                        "version": PACKAGE_VERSION,
                        "semanticVersion": PACKAGE_VERSION,
                        "rules": [_rule(rule, scanned) for rule in found],
                    },
                    "extensions": [
                        {"name": name, "version": version}
                        for name, version in sorted(engines.items())
                    ],
                },
                "invocations": [
                    {
                        "executionSuccessful": not notifications,
                        "exitCode": exit_code(scanned, fail_on),
                        "toolExecutionNotifications": notifications,
                    }
                ],
                "artifacts": [_artifact(one) for one in scanned],
                "results": results,
            }
        ],
    }  # fmt: skip


def _rule(rule: str, scanned: Sequence[Scanned]) -> dict[str, Any]:
    if rule == NOT_JUDGED:
        meaning, worst = "The file could not be judged to its end, so nothing vouches for it.", Severity.HIGH
    else:
        meaning = RULES[rule]
        severities = [one.severity for each in scanned for one in each.report.findings if one.rule == rule]
        worst = max(severities, key=lambda severity: severity.rank)
    page = _page(rule)
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in rule.split("-")),
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": meaning},
        "help": {"text": page or meaning, "markdown": page or meaning},
        "defaultConfiguration": {"level": _LEVELS[worst]},
        "properties": {"security-severity": _SCORES[worst], "tags": ["security"]},
    }


def _page(rule: str) -> str | None:
    for folder in _PAGES:
        path = folder / f"{rule}.md"
        if path.is_file():
            return path.read_text("utf-8")
    return None


def _result(finding: Finding, one: Scanned, number: int, index: dict[str, int]) -> dict[str, Any]:
    # Without a hash of the content the finding is told apart by where it lies.
    key, content = ("curatorFinding/v1", one.sha256) if one.sha256 else ("curatorPlace/v1", one.place or one.path)
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [_location(one, number, finding)],
        "partialFingerprints": {key: finding.fingerprint(content)},
        "properties": {
            "severity": finding.severity.value,
            "confidence": finding.confidence.value,
            "engine": finding.engine,
            "evidence": dict(finding.evidence),
        },
    }


def _open_end(one: Scanned, number: int) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": f"It was not judged: {one.report.unscannable}"},
        "locations": [_location(one, number, None)],
    }


def _location(one: Scanned, number: int, finding: Finding | None) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(one), "index": number}}
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding is None:
        return location
    where = finding.where
    # A place inside of a member is no place of the file.
    if where.line is not None and where.member is None:
        physical["region"] = {"startLine": where.line}
    elif where.offset is not None and where.member is None:
        physical["region"] = {"byteOffset": where.offset, "byteLength": 0}
    if where.member is not None:
        name = where.member.rsplit("!/", 1)[-1]
        logical = {"name": name, "fullyQualifiedName": where.member, "kind": "member"}
        location["logicalLocations"] = [logical]
        inside = {"line": where.line, "offset": where.offset}
        location["properties"] = {name: value for name, value in inside.items() if value is not None}
    return location


def _artifact(one: Scanned) -> dict[str, Any]:
    artifact: dict[str, Any] = {"location": {"uri": _uri(one)}, "length": one.size}
    if one.sha256:
        artifact["hashes"] = {"sha-256": one.sha256}
    return artifact


def _uri(one: Scanned) -> str:
    """A reference by RFC 3986: an address as it is, a path with what is special in it escaped."""
    place = one.place or one.path
    if place.startswith("hf://"):
        return "hf://" + quote(place.removeprefix("hf://"), safe="/@")
    escaped = quote(place.replace("\\", "/").encode("utf-8", "surrogateescape"))
    return f"file://{escaped}" if escaped.startswith("/") else escaped.removeprefix("./")

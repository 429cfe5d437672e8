"""For the test pages of CI servers: JUnit's XML, a test a file.

A file with findings that `--fail-on` counts has failed, one that was not judged is in error; milder findings are
printed with a test that has passed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from scanners.finding import Finding, Severity
from scanners.output.record import Scanned

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(scanned: Sequence[Scanned], *, fail_on: Severity, quiet: bool = False) -> str:
    """Safe files, too, whatever was asked: a test that has vanished looks like one that was not run."""
    del quiet
    suite = ET.Element("testsuite", name="curator scan", tests=str(len(scanned)))
    failures = errors = 0
    for one in scanned:
        case = ET.SubElement(suite, "testcase", classname=one.report.format, name=_xml(one.path))
        bad = [finding for finding in one.report.findings if finding.severity.rank >= fail_on.rank]
        mild = [finding for finding in one.report.findings if finding.severity.rank < fail_on.rank]
        if bad:
            failures += 1
            failure = ET.SubElement(case, "failure", type=bad[0].rule, message=_xml(bad[0].message))
            failure.text = _xml("\n".join(map(_line, bad)))
        if one.report.unscannable is not None:
            errors += 1
            message = _xml(one.report.unscannable)
            ET.SubElement(case, "error", type="not-judged", message=message).text = message
        if mild:
            ET.SubElement(case, "system-out").text = _xml("\n".join(map(_line, mild)))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    suites = ET.Element("testsuites", suite.attrib | {"name": "curator"})
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _line(finding: Finding) -> str:
    place = ", ".join(f"{name} {value}" for name, value in finding.where.as_json().items())
    at = f" at {place}" if place else ""
    return f"{finding.severity.value}: {finding.message} [{finding.rule}, {finding.engine}]{at}"


def _xml(text: str) -> str:
    """Without the letters that no XML can have."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)

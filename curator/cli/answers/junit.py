"""For the test pages of CI servers: JUnit's XML, a test a repository.

What is blocked or not there has failed; what is held, still scanned or not judged is in error; what is to be known
besides is printed with the test.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from curator.cli.answers.record import NO, Answers

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(answers: Answers, *, quiet: bool = False) -> str:
    """What is allowed, too, whatever was asked: a test that has vanished looks like one that was not run."""
    del quiet
    suite = ET.Element("testsuite", name="curator check", tests=str(len(answers.models)))
    failures = errors = 0
    for one in answers:
        case = ET.SubElement(suite, "testcase", classname=one.wanted.repo.kind.value, name=_xml(str(one.wanted)))
        if one.wanted.places:
            # GitLab links a test to this file; Jenkins passes it over.
            case.set("file", _xml(one.wanted.places[0].file))
            case.set("line", str(one.wanted.places[0].line))
        if not one.allowed:
            failed = one.outcome in NO
            failures, errors = failures + failed, errors + (not failed)
            tag, kind = "failure" if failed else "error", (one.said["rules"] or [one.outcome])[0]
            told = [one.sentence, *([one.said["details"]] if one.said["details"] else []), *map(str, one.wanted.places)]
            ET.SubElement(case, tag, type=kind, message=_xml(one.sentence)).text = _xml("\n".join(told))
        if one.remarks:
            ET.SubElement(case, "system-out").text = _xml("\n".join(one.remarks))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    suites = ET.Element("testsuites", suite.attrib | {"name": "curator"})
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _xml(text: str) -> str:
    """Without the letters that no XML can have."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)

"""`curator rules test`: whether the rules of a file do what the file says they do."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from curator.cli.client import ask_server
from curator.cli.packs import rules_file
from curator.errors import BadInput, CuratorError
from rules.expectations import FactsNotHad, Lookup, Result, run
from rules.facts import Facts
from rules.model import Policy, PolicyError, load_policy

_UNLIKE, _BAD_FILE, _NOT_RUN = 1, 2, 3


class Style(StrEnum):
    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"


def test(file: Path, style: Style, server: str | None, *, quiet: bool) -> None:
    """Ends with 0: all as expected, 1: some not, 2: a bad file, 3: the facts of one could not be had."""
    policy = _policy(file)
    results = run(policy, _lookup(server))
    match style:
        case Style.TABLE:
            _print_table(file, results, quiet=quiet)
        case Style.JSON:
            print(json.dumps(_document(file, policy, results), indent=2))
        case Style.JUNIT:
            print(_junit(file, policy, results))
    if any(not result.passed and not result.not_run for result in results):
        sys.exit(_UNLIKE)
    if any(result.not_run for result in results):
        sys.exit(_NOT_RUN)


def _policy(file: Path) -> Policy:
    try:
        policy = load_policy(rules_file(file))
    except PolicyError as error:
        print(error, file=sys.stderr)
        sys.exit(_BAD_FILE)
    if not policy.expectations:
        raise BadInput(f"{file}: it has no tests; write what you expect under `expect:`")
    return policy


def _lookup(server: str | None) -> Lookup:
    """The facts that a mirror has; each commit is asked for once."""
    known: dict[tuple[str, str, str], Facts] = {}

    def look(repository: str, commit: str, kind: str) -> Facts:
        key = (repository, commit, kind)
        if key not in known:
            query = {"repo": repository, "revision": commit, "kind": kind}
            try:
                document = ask_server(server, "/api/curator/v1/facts", query)
            except CuratorError as error:
                raise FactsNotHad(error.sentence) from None
            known[key] = Facts.from_json(document["facts"])
        return known[key]

    return look


def _print_table(file: Path, results: tuple[Result, ...], *, quiet: bool) -> None:
    for result in results:
        if not (quiet and result.passed):
            print(f"{_word(result):<8} {result.name}  ({file}:{result.place.line})")
        for difference in result.differences:
            print(f"         {difference}")
        if result.not_run:
            print(f"         its facts could not be had: {result.not_run}")
    failed = sum(not result.passed and not result.not_run for result in results)
    not_run = sum(bool(result.not_run) for result in results)
    if not quiet or failed or not_run:
        parts = [f"{len(results) - failed - not_run} as expected"]
        parts += [f"{failed} not"] if failed else []
        parts += [f"{not_run} not run"] if not_run else []
        print(f"{file}: {', '.join(parts)}")


def _word(result: Result) -> str:
    if result.not_run:
        return "not run"
    return "ok" if result.passed else "FAILED"


def _document(file: Path, policy: Policy, results: tuple[Result, ...]) -> dict[str, Any]:
    return {
        "schema": "curator.rules-test/1",
        "file": str(file),
        "rule_set": {"name": policy.name, "digest": policy.digest},
        "passed": all(result.passed for result in results),
        "tests": [result.as_json() for result in results],
    }


def _junit(file: Path, policy: Policy, results: tuple[Result, ...]) -> str:
    suite = ET.Element(
        "testsuite",
        name=_text(policy.name),
        tests=str(len(results)),
        failures=str(sum(not result.passed and not result.not_run for result in results)),
        errors=str(sum(bool(result.not_run) for result in results)),
        skipped="0",
    )
    for result in results:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_text(policy.name),
            name=_text(result.name),
            file=_text(str(file)),
            line=str(result.place.line),
        )
        if result.not_run:
            ET.SubElement(case, "error", message=_text(result.not_run))
        elif not result.passed:
            failure = ET.SubElement(case, "failure", message=_text(result.differences[0]))
            failure.text = _text("\n".join(result.differences))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _text(text: str) -> str:
    """What XML can carry."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)

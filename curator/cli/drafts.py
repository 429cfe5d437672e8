"""`curator rules draft` and `curator rules list`: rules as somebody writes them, with the mirror that has them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from curator.cli.client import Mirror
from curator.cli.packs import rules_text
from curator.errors import BadInput
from rules.document import MOST_LETTERS

PATH = "/api/curator/v1/rules"
_STANDARD_INPUT = "-"
_SHOWN_DIGITS = 12


def in_force(server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(f"{PATH}/in-force", {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    rule_set = document["rule_set"]
    print(f"'{rule_set['name']}' ({rule_set['digest'][:_SHOWN_DIGITS]}), refusals of {document['days']} days")
    for one in document["rules"]:
        tried = "  only tried" if one["dry_run"] else ""
        waived = f", {one['waivers']} waivers" if one["waivers"] else ""
        scope = f"  [{one['scope']}]" if one["scope"] else ""
        print(f"{one['outcome']:<6} {one['id']:<32} {one['refused']:>8} refused{waived}{tried}{scope}")
        print(f"       {one['description']}")


def show(server: str | None, *, as_json: bool) -> None:
    document = _draft(Mirror.find(server))
    print(json.dumps(document, indent=2) if as_json else document["source"].rstrip("\n"))


def save(file: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).put(f"{PATH}/draft", {"source": text_of(file)})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    begun = document["edited_from"]
    since = f", begun from {begun[:_SHOWN_DIGITS]}" if begun else ""
    print(f"It is your draft now{since}. What would change: curator rules draft preview")


def check(file: str | None, server: str | None, *, as_json: bool) -> None:
    mirror = Mirror.find(server)
    document = mirror.post(f"{PATH}/check", {"source": source_of(file, mirror)})
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        _print_checked(document)
    sys.exit(0 if document["usable"] else 1)


def test(file: str | None, server: str | None, *, as_json: bool) -> None:
    mirror = Mirror.find(server)
    document = mirror.post(f"{PATH}/test", {"source": source_of(file, mirror)})
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        _print_tested(document)
    sys.exit(0 if document["passed"] else 1)


def preview(file: str | None, server: str | None, *, as_json: bool) -> None:
    mirror = Mirror.find(server)
    document = mirror.post(f"{PATH}/consequences", {"source": source_of(file, mirror)})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(document["difference"]["text"])
    print(document["difference"]["sentence"])
    _print_checked(document["check"])
    if document["tests"]:
        _print_tested(document["tests"])
    for sentence in document["sentences"]:
        print(sentence)
    if not document["sentences"]:
        print("It was not tried yet: curator rules trial begin --wait 300")


def dry_run(rule: str, server: str | None, *, on: bool, as_json: bool) -> None:
    mirror = Mirror.find(server)
    draft = _draft(mirror)
    edited = mirror.post(f"{PATH}/dry-run", {"source": draft["source"], "rule": rule, "on": on})
    kept = mirror.put(f"{PATH}/draft", {"source": edited["source"], "edited_from": draft["edited_from"]})
    if as_json:
        print(json.dumps(kept, indent=2))
        return
    print(f"In your draft, {rule} is {'only tried' if on else 'enforced'} now.")


def publish(reason: str, server: str | None, *, as_json: bool) -> None:
    mirror = Mirror.find(server)
    draft = _draft(mirror)
    wanted = {"source": draft["source"], "reason": reason, "file": "the draft", "edited_from": draft["edited_from"]}
    change = mirror.post(PATH, wanted)
    mirror.delete(f"{PATH}/draft")
    if as_json:
        print(json.dumps(change, indent=2))
        return
    print(
        f"The rules '{change['name']}' ({change['digest'][:_SHOWN_DIGITS]}) are in force, and your draft is done with."
    )
    if change["before"]:
        print(f"Back: curator rules rollback {change['before'][:_SHOWN_DIGITS]} --reason '...'")


def discard(server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).delete(f"{PATH}/draft")
    print(json.dumps(document) if as_json else "Your draft is gone. The rules in force are as they were.")


def source_of(file: str | None, mirror: Mirror) -> str:
    """The text of a file, or of one's draft. Raises `BadInput`, and what the mirror says."""
    return text_of(file) if file is not None else str(_draft(mirror)["source"])


def text_of(file: str) -> str:
    """Of a file of rules, a pack, or standard input. Raises `BadInput`."""
    if file != _STANDARD_INPUT:
        return rules_text(Path(file))
    try:
        text = sys.stdin.read(MOST_LETTERS + 1)
    except UnicodeDecodeError:
        raise BadInput("What came on standard input is not text in UTF-8") from None
    if not text:
        raise BadInput("Nothing came on standard input")
    return text


def _draft(mirror: Mirror) -> dict[str, Any]:
    found: dict[str, Any] = mirror.get(f"{PATH}/draft", {})
    return found


def _print_checked(document: dict[str, Any]) -> None:
    for kind, what in (("problems", "error"), ("doubts", "warning")):
        for one in document[kind]:
            print(f"{one['line']}:{one['column']}: {what}: {one['sentence']}")
    print(document["sentence"])


def _print_tested(document: dict[str, Any]) -> None:
    for one in document["tests"]:
        word = "not run" if one["not_run"] else "ok" if one["passed"] else "FAILED"
        print(f"{word:<8} {one['name']}  (line {one['line']})")
        for difference in [*one["differences"], *filter(None, [one["not_run"]])]:
            print(f"         {difference}")
    print(document["sentence"])

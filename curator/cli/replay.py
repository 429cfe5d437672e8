"""`curator rules replay`: what a draft of rules would have done to what was asked for."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.cli.client import Mirror
from curator.cli.packs import rules_file
from rules.model import PolicyError, load_policy

PATH = "/api/curator/v1/rules/replay"
_PATIENCE_S = 960.0
_MOST_ROWS = 10
_CHANGES = ("blocked", "held", "left-out", "released", "refused-otherwise")


@dataclass(frozen=True, slots=True)
class Options:
    """As they stand on the command line."""

    file: Path
    days: float
    catalogue: bool
    against: str | None
    server: str | None
    as_json: bool


def run(options: Options) -> None:
    """Ends with 0: it was replayed, 1: the draft cannot be used, 3: some of it could not be replayed."""
    try:
        policy = load_policy(rules_file(options.file))
    except PolicyError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    wanted = {
        "rules": policy.source,
        "days": options.days,
        "catalogue": options.catalogue,
        "against": options.against,
    }
    document = Mirror.find(options.server).post(PATH, wanted, timeout_s=_PATIENCE_S)
    print(json.dumps(document, indent=2) if options.as_json else replay_text(document))
    sys.exit(3 if document["not_replayed"]["decisions"] else 0)


def replay_text(document: dict[str, Any]) -> str:
    """The report for a terminal."""
    against = document["against"]
    compared = f"the rules '{against['name']}' ({against['digest'][:12]})" if against else "what was decided"
    catalogue = document["of"] == "catalogue"
    what = "the newest decision about each commit" if catalogue else f"the requests of {document['days']:g} days"
    lines = [
        document["sentence"],
        f"'{document['rules']['name']}' over {what}, compared with {compared}",
        f"{document['decisions']} decisions in {document['took_s']:.1f} s",
    ]
    changed = {name: figures for name, figures in document["changes"].items() if figures["requests"]}
    if changed:
        lines += ["", f"{'':<18} {'commits' if catalogue else 'requests':>9} {'repositories':>13} {'teams':>6}"]
        lines += [
            f"{name:<18} {figures['requests']:>9} {figures['repositories']:>13} {figures['teams']:>6}"
            for name, figures in changed.items()
        ]
    lines += _rows(
        "By rule", document["by_rule"], lambda row: f"{row['change']:<18} {row['requests']:>9}  {row['rule']}"
    )
    lines += _rows("By repository", document["by_repository"], lambda row: f"{_counts(row)}  {row['repository']}")
    lines += _rows("By team", document["by_team"], lambda row: f"{_counts(row)}  {row['team'] or '(no team)'}")
    lines += _rows(
        "Files newly left out",
        document["left_out"],
        lambda row: f"{row['downloads']:>9}  {row['repository']}/{row['path']} ({row['rule']})",
    )
    lines += _rows(
        "Rules that are only tried",
        document["dry_run"],
        lambda row: f"{row['would']:>9}  {row['rule']} ({'in the draft' if row['in'] == 'draft' else 'as recorded'})",
    )
    if document["without_a_decision"]:
        lines += ["", f"{document['without_a_decision']} requests were refused before there was a decision"]
    failed = document["not_replayed"]
    if failed["decisions"]:
        lines += ["", f"Not replayed: {failed['decisions']} decisions, {failed['requests']} requests"]
        lines += [f"  {one['decision']} {one['repository']}: {one['why']}" for one in failed["examples"][:_MOST_ROWS]]
    return "\n".join(lines)


def _rows(title: str, rows: list[dict[str, Any]], line: Any) -> list[str]:
    if not rows:
        return []
    more = [f"  ... and {len(rows) - _MOST_ROWS} more (--format json)"] if len(rows) > _MOST_ROWS else []
    return ["", title, *(f"  {line(row)}" for row in rows[:_MOST_ROWS]), *more]


def _of_rule(row: dict[str, Any]) -> str:
    return f"{row['change']:<18} {row['requests']:>9}  {row['rule']}"


def _counts(row: dict[str, Any]) -> str:
    return ", ".join(f"{row[change]} {change}" for change in _CHANGES if row[change])

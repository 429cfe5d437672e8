"""What a replay says: one sentence, and the figures behind it, by rule, repository and team."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from curator.review.replay.tally import Change, Place, Tally
from rules.model import Policy

SCHEMA = "curator.replay/1"
_MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """What was replayed."""

    draft: Policy
    against: Policy | None
    catalogue: bool
    days: float
    since: dt.datetime
    until: dt.datetime
    undecided: int
    took_s: float


def document(tally: Tally, shown: Shown) -> dict[str, Any]:
    """JSON of the whole."""
    changes = {change.value: _figures(tally, change) for change in Change}
    return {
        "schema": SCHEMA,
        "rules": {"name": shown.draft.name, "digest": shown.draft.digest},
        "against": {"name": shown.against.name, "digest": shown.against.digest} if shown.against else None,
        "of": "catalogue" if shown.catalogue else "requests",
        "days": None if shown.catalogue else shown.days,
        "since": None if shown.catalogue else shown.since.isoformat(timespec="seconds"),
        "until": shown.until.isoformat(timespec="seconds"),
        "sentence": sentence(tally, shown),
        "decisions": tally.decisions,
        "evaluations": tally.evaluations,
        "served": tally.served,
        "refused": tally.refused,
        "without_a_decision": shown.undecided,
        "changes": changes,
        "by_rule": [
            {
                "change": change.value,
                "rule": rule,
                "requests": count,
                "repositories": len(tally.rule_repos[change, rule]),
            }
            for (change, rule), count in tally.rules.most_common(_MOST_ROWS)
        ],
        "by_repository": _by(tally, lambda place: (place.kind, place.repo), ("kind", "repository")),
        "by_team": _by(tally, lambda place: (place.team,), ("team",)),
        "left_out": [
            {"kind": file.kind, "repository": file.repo, "path": file.path, "rule": file.rule, "downloads": count}
            for file, count in tally.left_out.most_common(_MOST_ROWS)
        ],
        "files_left_out": len(tally.left_out) + tally.files_not_named,
        "dry_run": [
            {"in": whose, "rule": rule, "would": count, "repositories": len(tally.tried_repos[whose, rule])}
            for (whose, rule), count in sorted(tally.tried.items())
        ],
        "not_replayed": {
            "decisions": tally.failed_decisions,
            "requests": tally.failed_requests,
            "examples": [{"decision": one.decision, "repository": one.repo, "why": one.why} for one in tally.failed],
        },
        "took_s": round(shown.took_s, 3),
    }


def sentence(tally: Tally, shown: Shown) -> str:
    """`would have blocked 14 downloads of 5 models by 3 teams; would release 2 ...`."""
    said = [
        f"{verb} {_said(tally, change, shown)}"
        for change, verb in (
            (Change.BLOCKED, "would have blocked"),
            (Change.HELD, "would have held"),
            (Change.LEFT_OUT, "would have left files out of"),
            (Change.RELEASED, "would release"),
        )
        if any(place.change is change for place in tally.places)
    ]
    if not said:
        replayed = tally.served + tally.refused
        said = ["would have changed nothing" if replayed else "nothing was asked for that could be replayed"]
    if tally.failed_decisions:
        said.append(f"{_count(tally.failed_decisions, 'decision')} could not be replayed")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _said(tally: Tally, change: Change, shown: Shown) -> str:
    figures = _figures(tally, change)
    kinds = {place.kind for place in tally.places if place.change is change}
    repositories = _count(figures["repositories"], kinds.pop() if len(kinds) == 1 else "repository")
    if shown.catalogue:
        return f"{_count(figures['requests'], 'commit')} of {repositories}"
    requests = "request" if change is Change.RELEASED else "download"
    teams = figures["teams"]
    by = f" by {_count(teams, 'team')}" if teams else ""
    return f"{_count(figures['requests'], requests)} of {repositories}{by}"


def _figures(tally: Tally, change: Change) -> dict[str, int]:
    places = {place: count for place, count in tally.places.items() if place.change is change}
    return {
        "requests": sum(places.values()),
        "repositories": len({(place.kind, place.repo) for place in places}),
        "teams": len({place.team for place in places if place.team}),
    }


def _by(tally: Tally, key: Callable[[Place], tuple[str, ...]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Each change's count, of those with the most."""
    table: dict[tuple[str, ...], Counter[str]] = {}
    for place, count in tally.places.items():
        table.setdefault(key(place), Counter())[place.change.value] += count
    rows = sorted(table.items(), key=lambda row: (-row[1].total(), row[0]))[:_MOST_ROWS]
    return [
        dict(zip(names, of, strict=True)) | {change.value: counts[change.value] for change in Change}
        for of, counts in rows
    ]


def _count(count: int, what: str) -> str:
    plural = "repositories" if what == "repository" else f"{what}s"
    return f"{count} {what if count == 1 else plural}"

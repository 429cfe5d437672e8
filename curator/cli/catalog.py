"""`curator catalog`."""

from __future__ import annotations

import json
from typing import Any

from curator.cli.client import Mirror
from curator.cli.commands import ReportFormat

PATH = "/api/curator/v1/catalog"
_A_PAGE = 200
_VERDICTS = {"allow": "allowed", "hold": "held", "block": "blocked", "again": "to be judged"}


def show(server: str | None, query: dict[str, str], most: int, report_format: ReportFormat) -> None:
    """Ask page by page, and print as many as are wanted."""
    mirror = Mirror.find(server)
    found: list[dict[str, Any]] = []
    after: str | None = None
    while len(found) < most:
        asked = query | {"limit": str(min(_A_PAGE, most - len(found)))} | ({"after": after} if after else {})
        document = mirror.get(PATH, asked)
        found += document["repositories"]
        after = document["next"]
        if after is None:
            break
    if report_format is ReportFormat.JSON:
        print(json.dumps({"schema": "curator.catalog/1", "repositories": found, "more": after is not None}))
        return
    for one in found:
        print(_line(one))
    if after is not None:
        print(f"There are more: name how many with --most, or narrow it (these are {len(found)}).")
    elif not found:
        print("Nothing here is like that: a repository is judged when somebody asks for it.")


def count(server: str | None, query: dict[str, str], report_format: ReportFormat) -> None:
    """How many repositories there are by each facet."""
    document = Mirror.find(server).get(f"{PATH}/facets", query)
    if report_format is ReportFormat.JSON:
        print(json.dumps(document))
        return
    print(f"{document['total']} repositories, counted {document['counted_at'][:19]}")
    for facet, values in document["counts"].items():
        print(facet)
        for value, number in values.items():
            print(f"  {number:>9}  {ascii(value)[1:-1] or '-'}")


def _line(one: dict[str, Any]) -> str:
    kind = "" if one["kind"] == "model" else f"{one['kind']}s/"
    verdict = _VERDICTS[one["verdict"]]
    why = f" by {one['rule']}" if one["rule"] else f", {one['left_out']} left out" if one["left_out"] else ""
    audience = f" for {one['audience']}" if one["audience"] else ""
    licence = (one["licence"] or "no licence")[:30]
    # What cannot be seen on a screen is written out: names of formats and licences are the Hub's.
    return f"{kind}{one['repository']}@{one['commit'][:12]}  {verdict}{why}{audience}  {ascii(licence)[1:-1]}"

"""`curator changes`, `curator traffic` and `curator live`, by the API."""

from __future__ import annotations

import json
from typing import Any

from curator.admission.explained.words import size
from curator.cli.client import ask_server
from scanners.files import printable

_API = "/api/curator/v1"
_MOST = 10
"""Repositories on a screen; JSON has all."""


def changes(limit: int, server: str | None, *, as_json: bool) -> None:
    document = ask_server(server, f"{_API}/changes", {"limit": str(limit)})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for one in document["changes"]:
        print(f"{one['at'][:16]}  {one['repo']}@{one['commit'][:12]}  {printable(one['sentence'])}")
    if not document["changes"]:
        print("Nothing has changed of late.")


def traffic(window: str, server: str | None, *, as_json: bool) -> None:
    document = ask_server(server, f"{_API}/traffic", {"window": window})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for place in document["places"]:
        print(f"{place['begin'][:16]}  {_counts(place['requests'])}, {size(place['bytes'])}")
    print(f"In all: {_counts(document['requests'])}, {size(document['bytes'])} served")
    for one in document["top"][:_MOST]:
        print(f"  {one['repo']:<48} {one['downloads']:>8} files, {size(one['bytes'])}, {one['refusals']} refused")


def live(server: str | None, *, as_json: bool) -> None:
    document = ask_server(server, f"{_API}/live", {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    work = document["work"]
    print(f"{work['running']} at work, {work['waiting']} waiting, {work['workers']} workers")
    for one in document["judging"]:
        files = f", {one['scanned']} of {one['files']} files" if one["files"] else ""
        print(f"judging  {one['repo']}@{one['commit'][:12]}  {one['stage']}{files}")
    for one in document["downloads"]:
        rate = f"{size(one['written'])} of {size(one['size'])}, {size(one['bytes_per_s'])}/s"
        print(f"arriving {one['repo']}  {printable(one['path'])}  {rate}")
    if not document["judging"] and not document["downloads"]:
        print("Nothing is judged and nothing arrives at this moment.")


def _counts(requests: dict[str, Any]) -> str:
    return ", ".join(f"{number:,} {outcome}" for outcome, number in requests.items() if number) or "nothing"

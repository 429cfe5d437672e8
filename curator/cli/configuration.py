"""What `curator config show` and `curator status` do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from curator.cli.client import ask_server
from curator.settings import Settings
from curator.web.configuration import configuration


def here(config: Path | None, data: Path | None) -> dict[str, Any]:
    """The settings that a server started here would have. Raises `BadSettings`."""
    return configuration(Settings.load(config, data=data)).as_json()


def running(server: str | None) -> dict[str, Any]:
    """Those of a mirror that runs."""
    document: dict[str, Any] = ask_server(server, "/api/curator/v1/settings", {})
    return document


def show(document: dict[str, Any], *, only_changed: bool, as_json: bool) -> None:
    settings = [one for one in document["settings"] if not only_changed or one["origin"] != "default"]
    if as_json:
        print(json.dumps(document | {"settings": settings}, indent=2))
        return
    if not settings:
        print("Nothing is set: all settings have their defaults.")
        return
    wide = max(len(one["variable"]) for one in settings)
    for one in settings:
        by = one["origin"] if one["where"] in {"", one["variable"]} else f"{one['origin']}, {one['where']}"
        print(f"{one['variable']:<{wide}}  {one['value'] or '-':<24}  {by}")


def status(server: str | None, *, as_json: bool) -> None:
    state: dict[str, Any] = ask_server(server, "/api/curator/v1/state", {})
    if as_json:
        print(json.dumps(state, indent=2))
    else:
        rules, work, store = state["rules"], state["work"], state["store"]
        print(f"Model Curator {state['version']} is {state['level']}.")
        print(f"Rules:    {rules['name'] or 'none'} ({(rules['digest'] or '-')[:12]}), by {rules['author'] or '-'}")
        print(f"Scanners: {state['scanners']}, data {state['scanner_data'][:12]}")
        print(f"Work:     {work['running']} at work, {work['waiting']} waiting")
        print(f"Store:    {store['bytes']} bytes in {store['files']} files, {store['free']} bytes free")
        print(f"Upstream: {_upstream(state)}")
        print(f"Record:   {state['record']} rows, {_verified(state)}")
        if state["rejudging"] and not state["rejudging"]["over"]:
            print(state["rejudging"]["sentence"])
        for alarm in state["alarms"]:
            print(f"{alarm['level']}: {alarm['sentence']}")
    if state["level"] != "well":
        sys.exit(1)


def _upstream(state: dict[str, Any]) -> str:
    if state["upstream_mode"] == "offline":
        return "not asked, as it is set"
    since: str | None = state["upstream_down_since"]
    return f"has not answered since {since[:16].replace('T', ' ')} UTC" if since is not None else "no outage known"


def _verified(state: dict[str, Any]) -> str:
    verified: dict[str, Any] | None = state["verified"]
    if verified is None:
        return "not verified yet"
    problems = verified["problems"]
    found = "found whole" if not problems else f"{problems} problems found"
    return f"{found} on {verified['at'][:16].replace('T', ' ')} UTC"

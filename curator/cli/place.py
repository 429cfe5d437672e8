"""Where people, teams and tokens are kept for a command: the mirror's own database here, or a mirror that is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session

from curator.cli.administrator import administrator
from curator.cli.client import Mirror
from curator.errors import BadInput
from curator.people.by import By
from curator.settings import Settings

API = "/api/curator/v1"
_PAGE = 500
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the mirror's settings and its database are, or the address of a mirror."""

    config: Path | None
    data: Path | None
    server: str | None = None

    @property
    def mirror(self) -> Mirror | None:
        """The mirror that is asked; None for the database here. Raises `BadInput` where both are named."""
        if self.server is None:
            return None
        if self.config is not None or self.data is not None:
            raise BadInput("--server asks a mirror, and --data or --config name a database here: one of the two")
        return Mirror.find(self.server)

    def settings(self) -> Settings:
        return Settings.load(self.config, data=self.data)


def change(place: Place, here: Callable[[Session], Any], there: Callable[[Mirror], Any]) -> Any:
    """What a change answers, as JSON: done here, in one transaction, or there."""
    from curator.cli.token import open_database

    if (mirror := place.mirror) is not None:
        return there(mirror)
    with open_database(place.settings()).write() as session:
        return here(session)


def look(place: Place, here: Callable[[Session], Any], there: Callable[[Mirror], Any]) -> Any:
    """The same for what changes nothing."""
    from curator.cli.token import open_database

    if (mirror := place.mirror) is not None:
        return there(mirror)
    with open_database(place.settings()).read() as session:
        return here(session)


def pages(mirror: Mirror, path: str, things: str, query: dict[str, str | None]) -> list[Json]:
    """All of a list of the API."""
    asked = {name: value for name, value in query.items() if value} | {"limit": str(_PAGE)}
    found: list[Json] = []
    while True:
        page = mirror.get(f"{API}{path}", asked)
        found += page[things]
        if not page["next"]:
            return found
        asked["after"] = str(page["next"])


def named(values: dict[str, Any]) -> Json:
    """Without what is left out."""
    return {name: value for name, value in values.items() if value is not None}


def by() -> By:
    """Whoever is at this machine."""
    return By(administrator())


def say(document: Any, said: str, *, as_json: bool) -> None:
    print(json.dumps(document) if as_json else said)

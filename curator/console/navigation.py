"""Where one can go in the console, and who may."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from curator.people.caller import Caller
from curator.people.roles import Permission


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the navigation."""

    title: str
    path: str
    permission: Permission
    key: str
    """Pressed after `g`, it leads there."""
    icon: str
    """Of `templates/icons.html`."""
    group: str


ITEMS = (
    Item("Home", "/-/", Permission.SEE_CATALOG, "h", "home", "Overview"),
    Item("Catalog", "/-/catalog", Permission.SEE_CATALOG, "c", "catalog", "Overview"),
    Item("Live", "/-/live", Permission.OWN_ACCOUNT, "l", "live", "Overview"),
    Item("Review", "/-/review", Permission.SEE_ALL, "r", "review", "Decide"),
    Item("My requests", "/-/requests", Permission.ASK, "m", "requests", "Decide"),
    Item("Rules", "/-/rules", Permission.PULL, "u", "rules", "Decide"),
    Item("Incidents", "/-/incidents", Permission.SEE_ALL, "i", "incidents", "Decide"),
    Item("Activity", "/-/activity", Permission.READ_RECORD, "a", "activity", "Record"),
    Item("Notices", "/-/notices", Permission.OWN_ACCOUNT, "n", "notices", "Record"),
    Item("People", "/-/people", Permission.SEE_SETTINGS, "p", "people", "Organisation"),
    Item("Settings", "/-/settings", Permission.SEE_SETTINGS, "s", "settings", "Organisation"),
)
"""Those of a group stand together, in the order in which they are shown."""


def items_for(caller: Caller) -> tuple[Item, ...]:
    """What this caller may open."""
    return tuple(item for item in ITEMS if caller.may(item.permission))


def groups_for(caller: Caller) -> tuple[tuple[str, tuple[Item, ...]], ...]:
    """The same by group; a group of which he may open nothing is left out."""
    return tuple((group, tuple(items)) for group, items in groupby(items_for(caller), key=lambda item: item.group))

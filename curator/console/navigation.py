"""Where one can go in the console, and who may."""

from __future__ import annotations

from dataclasses import dataclass

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


ITEMS = (
    Item("Home", "/-/", Permission.SEE_CATALOG, "h"),
    Item("Catalog", "/-/catalog", Permission.SEE_CATALOG, "c"),
    Item("Review", "/-/review", Permission.SEE_ALL, "r"),
    Item("My requests", "/-/requests", Permission.ASK, "m"),
    Item("Rules", "/-/rules", Permission.PULL, "u"),
    Item("Incidents", "/-/incidents", Permission.SEE_ALL, "i"),
    Item("Activity", "/-/activity", Permission.READ_RECORD, "a"),
    Item("Live", "/-/live", Permission.SEE_ALL, "l"),
    Item("People", "/-/people", Permission.SEE_SETTINGS, "p"),
    Item("Notices", "/-/notices", Permission.OWN_ACCOUNT, "n"),
    Item("Settings", "/-/settings", Permission.SEE_SETTINGS, "s"),
)


def items_for(caller: Caller) -> tuple[Item, ...]:
    """What this caller may open."""
    return tuple(item for item in ITEMS if caller.may(item.permission))

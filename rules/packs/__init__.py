"""The sets of rules that come with the program, each with its tests: to be used as they are, or to begin one's own."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from rules.model import Policy, parse_policy

PACKS = ("starter", "strict", "finance", "air-gap", "research")
"""Their names: the one that is in force where nothing is said stands first."""


class NoSuchPack(Exception):
    """A name that is no pack's."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no pack of rules {name[:80]!a}: there is {', '.join(PACKS)}")


def is_pack(name: str) -> bool:
    return name in PACKS


def source(name: str) -> str:
    """A pack as it is written, YAML. Raises `NoSuchPack`."""
    if name not in PACKS:
        raise NoSuchPack(name)
    return files("rules.packs").joinpath(f"{name}.yaml").read_text(encoding="utf-8")


@cache
def pack(name: str) -> Policy:
    """A pack, ready to be evaluated. Raises `NoSuchPack`."""
    return parse_policy(source(name), f"{name}.yaml")

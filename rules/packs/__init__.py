"""The sets of rules that come with the program, each with its tests: to be used as they are, or to begin one's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.model import Policy

PACKS = ("starter", "strict", "finance", "air-gap", "research")
"""Their names: the one that is in force where nothing is said stands first."""
_FOLDER = Path(__file__).parent


class NoSuchPack(Exception):
    """A name that is no pack's."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no pack of rules {name[:80]!a}: there is {', '.join(PACKS)}")


def is_pack(name: str) -> bool:
    return name in PACKS


def place(name: str) -> Path:
    """The file of a pack. Raises `NoSuchPack`."""
    if not is_pack(name):
        raise NoSuchPack(name)
    return _FOLDER / f"{name}.yaml"


def name_of(file: Path) -> str | None:
    """The pack whose file this is; None if it is none's."""
    return file.stem if file.parent == _FOLDER and is_pack(file.stem) else None


def source(name: str) -> str:
    """A pack as it is written, YAML. Raises `NoSuchPack`."""
    return place(name).read_text(encoding="utf-8")


@cache
def pack(name: str) -> Policy:
    """A pack, ready to be evaluated. Raises `NoSuchPack`."""
    # What evaluates rules takes longer to load than it takes to say what packs there are.
    from rules.model import parse_policy

    return parse_policy(source(name), f"{name}.yaml")

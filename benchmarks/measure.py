"""How all benchmarks are started: their common options, the programs they need, the order of their rounds."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
# Debian keeps nginx where only root looks for programs.
_SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])

Way = TypeVar("Way")


def give_up(sentence: str) -> NoReturn:
    """End with what is missing, as a command line that cannot be followed does."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


def find_program(name: str) -> str | None:
    """The path of a program, if the machine has it."""
    return shutil.which(name, path=_SEARCHED)


def program(name: str) -> str:
    """The path of a program that the machine must have."""
    found = find_program(name)
    if found is None:
        give_up(f"This benchmark needs {name}, which is not on this machine: install it (Debian: apt install {name}).")
    return found


def size(text: str) -> int:
    """Bytes, of `2GiB`, `256M` or a plain number."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMG]?)(?:i?B)?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: write it as 256MiB or 2GiB")
    return int(float(match[1]) * _UNITS[match[2]])


def parser(description: str | None, *, rounds: int = 5) -> argparse.ArgumentParser:
    """Options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round there too")
    parser.add_argument("--folder", type=Path, help="where temporary files go; default: the system's folder for them")
    parser.add_argument("--processes", type=int, default=1, help="server processes of the mirror; nginx has as many")
    parser.add_argument("--without-olah", action="store_true", help="leave olah out, and do not install it")
    return parser


def settle() -> None:
    """Let the disk finish what an earlier pull has written, so that it is not charged to the next one."""
    os.sync()


def rotated(ways: Sequence[Way], number: int) -> list[Way]:
    """The ways in another order in each round, so that none always comes after the same one."""
    start = number % len(ways)
    return [*ways[start:], *ways[:start]]

"""The names that others may be taken for. Stub with the final signatures: the bodies follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


class KnownNamesError(ValueError):
    """A list of names cannot be read: which file, which line, what to do."""


@dataclass(frozen=True, slots=True)
class Known:
    """Publishers, popular repositories, and the words that are said of them."""

    version: str
    """Changes whenever anything in it does: a digest, 64 hex digits."""

    @classmethod
    def load(cls, folder: Path | None = None) -> Known:
        """From a folder with the same files as `scanners/data/names`; without one, the shipped files.

        A file that the folder does not have is taken from the shipped ones. Raises `KnownNamesError`.
        """
        return cls("")

    def extended(self, repositories: Iterable[str] = (), publishers: Iterable[str] = ()) -> Known:
        """With names that the organisation has approved; cheap, and cached by what is added."""
        return self


@lru_cache(maxsize=1)
def shipped() -> Known:
    return Known.load()

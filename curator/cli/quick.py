"""`curator scan` of local files with plain options: the same answer as the whole command line, a second sooner.

It loads neither the settings nor the Hub's client nor the library that reads options; for whatever it does not
understand, help and mistakes included, the whole command line is there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from scanners.command import NotUnderstood, plain, run
from scanners.confinement import Limits
from scanners.files import NoSuchPath

DEFAULT_LIMITS = Limits(memory_bytes=2 << 30, wall_s=120.0)
"""Those of the settings where nobody has set anything."""


def attempt(words: Sequence[str]) -> int | None:
    """What the command ends with, or None where it is the whole command line's to say."""
    # An address of the Hub, or somebody's settings.
    if any(word.startswith("hf://") for word in words) or _has_settings():
        return None
    try:
        return run(plain(words), DEFAULT_LIMITS)
    except (NotUnderstood, NoSuchPath):
        return None


def _has_settings() -> bool:
    return os.path.exists("curator.toml") or any(name.upper().startswith("CURATOR_") for name in os.environ)

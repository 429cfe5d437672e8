"""When Python looks for garbage: not while a program loads, and never again through what it has loaded."""

from __future__ import annotations

import gc

_OBJECTS = 50_000
"""So many new ones before Python looks for garbage."""
_LOAD_FIRST = ("serve", "serve-beside", "worker")
"""Commands that load for a second, and say themselves when they have."""


def loading(command: str | None) -> None:
    """What is imported stays: to look through it after each 700 objects is a sixth of every start."""
    gc.set_threshold(_OBJECTS)
    if command in _LOAD_FIRST:
        gc.disable()


def loaded() -> None:
    """To look through a whole server once takes a tenth of a second, also at its end."""
    gc.freeze()
    gc.enable()

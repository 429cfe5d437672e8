"""Rules that somebody writes are read one at a time: YAML is read in Python, which lets nothing else run meanwhile but
in small slices, and of those one reader takes one and sixteen take nearly all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from curator.errors import CuratorError

_MOST_WAITING = 16
_reader = ThreadPoolExecutor(1, thread_name_prefix="rules")
_room = threading.BoundedSemaphore(_MOST_WAITING)

Value = TypeVar("Value")
Given = ParamSpec("Given")


class ManyWrite(CuratorError):
    """Others have their rules read at this moment."""

    status = 503
    exit_code = 3


async def in_turn(work: Callable[Given, Value], *given: Given.args, **named: Given.kwargs) -> Value:
    """What `work` returns, once those before are done. Raises `ManyWrite`."""
    if not _room.acquire(blocking=False):
        raise ManyWrite("Many people have rules read at this moment: try again in a few seconds")
    try:
        return await asyncio.get_running_loop().run_in_executor(_reader, lambda: work(*given, **named))
    finally:
        _room.release()

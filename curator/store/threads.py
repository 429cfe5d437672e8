"""Blocking work on files that somebody is about to close."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_the_end(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it in a thread, and return only when that has ended, also when cancelled: a thread cannot be stopped, and
    the number of a file that is closed under it may be another file's the next moment."""
    # A future of the executor's and no task: what ends a loop cancels every task in it, and this goes on.
    work = asyncio.get_running_loop().run_in_executor(None, partial(function, *args, **kwargs))
    try:
        await asyncio.wait({work})
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise
    return work.result()

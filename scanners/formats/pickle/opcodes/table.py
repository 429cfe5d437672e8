"""The table of operations, and how one gets into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanners.formats.pickle.machine import Machine

Operation = Callable[["Machine"], None]
OPERATIONS: list[Operation | None] = [None] * 256
"""By the byte that stands for the opcode; None where there is none."""


def opcode(*codes: bytes) -> Callable[[Operation], Operation]:
    """Enters the decorated function for each of these bytes."""

    def register(operation: Operation) -> Operation:
        for code in codes:
            OPERATIONS[code[0]] = operation
        return operation

    return register

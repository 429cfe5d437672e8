"""What each pickle opcode does to the machine, by family; `OPERATIONS` is the table of all of them."""

from __future__ import annotations

from scanners.formats.pickle.opcodes import containers, imports, scalars, stack
from scanners.formats.pickle.opcodes.table import OPERATIONS, Operation

__all__ = ["OPERATIONS", "Operation", "containers", "imports", "scalars", "stack"]

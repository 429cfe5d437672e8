"""How much one scan may cost. What runs out ends the scan as "not judged", never as clean."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

MIB = 1024 * 1024


class Unscannable(Exception):
    """The content cannot be judged to the end; the message is the sentence a user reads."""


class BudgetSpent(Unscannable):
    """The scan reached one of its limits: nothing more is read, in this member or any other."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one scan, containers and all that is inside them together."""

    opcodes: int = 20_000_000
    """Pickle opcodes; the state dict of 3,000 tensors has about 111,000."""
    read_bytes: int = 4096 * MIB
    """Bytes fetched from the source; a 5 GiB checkpoint needs a few hundred KiB of it."""
    unpacked_bytes: int = 512 * MIB
    """Bytes that came out of decompression, all members together."""
    depth: int = 8
    """Containers inside containers, and pickles inside pickles."""
    members: int = 20_000
    """Archive members looked into."""
    wall_s: float = 120.0
    """Seconds on the clock, waiting for the source included."""


@dataclass(slots=True)
class Meter:
    """What is spent of a budget so far."""

    budget: Budget
    opcodes: int = 0
    read_bytes: int = 0
    unpacked_bytes: int = 0
    members: int = 0
    _deadline: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._deadline = time.monotonic() + self.budget.wall_s

    def spend_opcodes(self, count: int) -> None:
        self.opcodes += count
        if self.opcodes > self.budget.opcodes:
            raise BudgetSpent(f"It has more than {self.budget.opcodes:,} pickle opcodes, the limit of one scan.")
        self.check_clock()

    def spend_read(self, count: int) -> None:
        self.read_bytes += count
        if self.read_bytes > self.budget.read_bytes:
            raise BudgetSpent(f"Judging it takes more than {self.budget.read_bytes // MIB:,} MiB of reading.")
        self.check_clock()

    def spend_unpacked(self, count: int) -> None:
        self.unpacked_bytes += count
        if self.unpacked_bytes > self.budget.unpacked_bytes:
            raise BudgetSpent(f"It unpacks to more than {self.budget.unpacked_bytes // MIB:,} MiB.")
        self.check_clock()

    def spend_member(self) -> None:
        self.members += 1
        if self.members > self.budget.members:
            raise BudgetSpent(f"It has more than {self.budget.members:,} members to look into.")

    def left_s(self) -> float:
        """Seconds on the clock before it is too late."""
        return self._deadline - time.monotonic()

    def check_clock(self) -> None:
        if time.monotonic() > self._deadline:
            raise BudgetSpent(f"Judging it takes longer than {self.budget.wall_s:g} seconds.")

"""One imported name, and all that a pickle did with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from scanners.formats.pickle.imports import Standing, canonical
from scanners.formats.pickle.values import Made


@dataclass(slots=True, eq=False)
class Name:
    """What is known of one imported name so far."""

    module: str
    name: str
    offset: int
    standing: Standing
    key: tuple[str, str] = field(init=False)
    """As Python 3 calls it."""
    calls: list[Made] = field(default_factory=list)
    """The first few."""
    times_called: int = 0
    times_initialised: int = 0
    """Of the calls, those that run more than `cls.__new__`."""
    times_pushed: int = 0
    times_called_in_place: int = 0
    """By the pickle itself, which takes the name off the stack: fewer than pushed, and it went elsewhere."""
    plain_attributes: int = 0
    """Of the calls of getattr, those that fetch a public attribute of a class known by name."""
    built: bool = False
    filled: bool = False

    def __post_init__(self) -> None:
        self.key = canonical(self.module, self.name)

    @property
    def called(self) -> bool:
        return self.times_called > 0

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

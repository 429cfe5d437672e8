"""What is known of the names pickles bring in. Plain data: one place to add a name, with why in its module's heading.

Three tiers, by exact module and name. Harmless names (`harmless`) have no effect outside the value they make, whatever
their arguments, and the use that is allowed of them is part of the entry. Library classes and functions (`libraries`)
are data of a known library: loading needs that library, and it is not proven what all of them do. All else is unknown,
and unknown is not allowed. The dangerous names (`dangerous`) only make the sentence clearer and the severity higher: a
name missing from them is still unknown.
"""

from __future__ import annotations

DEEPEST_MODULE = 8
"""Packages within packages, as far as they are looked at."""


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())

"""One commit as it is held against another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.facts import Facts


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of it; pure values, so that what is made of them can be tried without a database."""

    facts: Facts
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By path: what the scan noted of the file (`scanners.Report.metadata`)."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By path: card, configurations, templates, requirements and code, as far as they could be read."""

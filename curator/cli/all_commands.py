"""Every command, from the modules that declare them by topic."""

from __future__ import annotations

import curator.cli.catalog_commands
import curator.cli.review_commands
import curator.cli.rules_commands  # noqa: F401 - they declare themselves
from curator.cli.commands import cli

__all__ = ["cli"]

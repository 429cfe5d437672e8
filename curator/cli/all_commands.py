"""Every command, from the modules that declare them by topic."""

from __future__ import annotations

import curator.cli.account_commands
import curator.cli.catalog_commands
import curator.cli.config_commands
import curator.cli.draft_commands
import curator.cli.happening_commands
import curator.cli.incident_commands
import curator.cli.key_commands
import curator.cli.notices_commands
import curator.cli.notify_commands
import curator.cli.people_commands
import curator.cli.record_commands
import curator.cli.request_commands
import curator.cli.review_commands
import curator.cli.rules_commands
import curator.cli.session_commands
import curator.cli.sign_in_commands
import curator.cli.team_commands
import curator.cli.token_commands
import curator.cli.use_commands  # noqa: F401 - they declare themselves
from curator.cli.commands import cli

__all__ = ["cli"]

"""What one sends for the operations that are used most: examples for the API's description, each as its body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "check_repositories": {"models": [{"repository": "acme-research/tiny-bert", "revision": "main"}], "wait": 60},
    "ask_exception": {
        "repository": "acme-research/tiny-bert",
        "reason": "A test of the till, it never leaves the lab",
        "until": "90d",
    },
    "answer_queue": {
        "answer": "approve",
        "items": [{"id": "01a2157f6a6b7c8d9e0f1a2b3c4d5e6f"}],
        "reason": "Read by hand, ticket 12",
        "teams": ["shop"],
        "until": "90d",
        "preview": True,
    },
    "give_waiver": {
        "repository": "acme-research/tiny-bert",
        "rules": ["unsafe-file"],
        "files": ["pytorch_model.bin"],
        "reason": "Seen with the vendor, ticket 12",
        "until": "90d",
    },
    "add_entries": {"effect": "block", "targets": ["mallory/*"], "reason": "Advisory 2026-7"},
    "publish_rules": {
        "source": "schema: curator.rules/1\nname: house\nrules:\n  - id: unsafe-file\n"
        "    description: Unsafe files are not served.\n    when: {file_verdict: [unsafe]}\n    outcome: block\n"
        "    message: '{file} is unsafe: {finding}'\n",
        "reason": "The first rules of the house, ticket 13",
    },
    "create_user": {"login": "alice", "role": "reviewer", "team": "search", "email": "alice@example.org"},
    "create_team": {"name": "search", "title": "Search and ranking"},
    "create_token": {"name": "ci-runner", "role": "robot", "team": "search", "until": "180d"},
    "create_webhook": {"name": "siem", "url": "https://siem.example.org/curator", "types": ["held", "blocked"]},
}
"""By operation."""

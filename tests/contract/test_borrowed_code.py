"""A model that takes its code from another repository."""

from __future__ import annotations

import time

from fixtures.mirror import MirrorProcess
from tests.contract.http import ask, settled


def test_the_repository_that_a_model_takes_its_code_from_is_judged_before_anybody_asks_for_it(
    in_sessions: MirrorProcess,
) -> None:
    search = "/api/models?search=shell-in-a-pickle"
    assert not [one for one in ask(in_sessions.url, search).json if "curator" in one], "no other test asks for it here"
    assert settled(in_sessions.url, "/api/models/acme-research/borrowed-code").status == 200
    deadline = time.monotonic() + 60
    found: list[dict[str, str]] = []
    while not found and time.monotonic() < deadline:
        found = [one["curator"] for one in ask(in_sessions.url, search).json if "curator" in one]
        time.sleep(0.1)
    assert [one["outcome"] for one in found] == ["block"]

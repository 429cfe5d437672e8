"""A model may take its code from another repository, which transformers then fetches: that one is judged as well."""

from __future__ import annotations

import time
from pathlib import Path

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask, settled


def test_the_repository_that_a_model_takes_its_code_from_is_judged_before_anybody_asks_for_it(
    hub: FixtureHub, tmp_path: Path
) -> None:
    with MirrorProcess(tmp_path / "data", hub.url) as mirror:
        assert settled(mirror.url, "/api/models/acme-research/borrowed-code").status == 200
        deadline = time.monotonic() + 60
        found: list[dict[str, str]] = []
        while not found and time.monotonic() < deadline:
            listed = ask(mirror.url, "/api/models?search=shell-in-a-pickle").json
            found = [one["curator"] for one in listed if "curator" in one]
            time.sleep(0.2)
        assert [one["outcome"] for one in found] == ["block"]

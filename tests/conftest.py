from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess

_SLOW = [HealthCheck.too_slow]
# A change lands or not for what it changes: the suite tries the same examples each time, `explore` new ones.
settings.register_profile("suite", deadline=None, max_examples=100, derandomize=True, suppress_health_check=_SLOW)
settings.register_profile("explore", deadline=None, max_examples=5_000, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(scope="session")
def hub() -> Iterator[FixtureHub]:
    """A stand-in Hub that stays up and does as it should."""
    with FixtureHub("--page-size", "20") as hub:
        yield hub


@pytest.fixture(scope="session")
def mirror(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror in front of it, as `make serve` starts it."""
    with MirrorProcess(tmp_path_factory.mktemp("mirror") / "data", hub.url) as mirror:
        yield mirror


@pytest.fixture
def own_hub() -> Iterator[FixtureHub]:
    """A stand-in Hub of the test's own, to be stopped or made to fail."""
    with FixtureHub() as hub:
        yield hub


@pytest.fixture
def own_mirror(own_hub: FixtureHub, tmp_path: Path) -> Iterator[MirrorProcess]:
    """A mirror of the test's own."""
    with MirrorProcess(tmp_path / "data", own_hub.url) as mirror:
        yield mirror

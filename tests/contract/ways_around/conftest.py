from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.ways_around.common import heard


@pytest.fixture
def untouched(hub: FixtureHub, mirror: MirrorProcess) -> Iterator[None]:
    """Whatever the test does, the Hub hears nothing of it."""
    mark = hub.mark()
    yield
    assert heard(hub, mark) == []

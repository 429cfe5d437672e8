"""What people are told when parts of the world fail under a whole mirror."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.receiver import Receiver
from tests.contract.http import ask, settled
from tests.contract.test_notices import by_admin, call, person

FEW_S = 90.0


def test_people_are_told_once_that_the_hub_is_down_and_once_that_it_is_back(
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    settings = {"CURATOR_REVISION_TTL_S": "0.01", "CURATOR_BREAKER_FAILURES": "2", "CURATOR_BREAKER_OPEN_S": "1"}
    with MirrorProcess(tmp_path / "data", own_hub.url, settings) as mirror:
        rita = person(mirror, "rita", "reviewer")

        def asked_for(*wanted: str) -> bool:
            ask(mirror.url, f"/api/models/acme-research/tiny-bert/revision/x{time.monotonic_ns()}")
            return tuple(_told(mirror, rita)) == wanted

        settled(mirror.url, "/api/models/acme-research/tiny-bert")
        assert _told(mirror, rita) == []
        own_hub.stop()
        _wait(lambda: asked_for("upstream.down"))
        time.sleep(5)
        assert asked_for("upstream.down"), "said once, however often it is tried again"
        own_hub.start()
        _wait(lambda: asked_for("upstream.down", "upstream.back"))
        time.sleep(5)
        assert asked_for("upstream.down", "upstream.back")


def test_what_was_on_its_way_when_the_mirror_was_killed_arrives_after_its_next_start(
    hub: FixtureHub, tmp_path: Path
) -> None:
    with Receiver(tmp_path / "chat") as chat:
        chat.answer((503, {}))
        settings = {"CURATOR_WEBHOOK_ALLOW": "127.0.0.1"}
        with MirrorProcess(tmp_path / "data", hub.url, settings) as mirror:
            by_admin(mirror, "POST", "/webhooks", {"name": "chat", "url": chat.url})
            settled(mirror.url, "/api/models/mallory/shell-in-a-pickle")
            first = chat.wait_for(1)[0]
            time.sleep(2)
            mirror.kill()
        chat.answer((200, {}))
        with MirrorProcess(tmp_path / "data", hub.url, settings) as mirror:
            _wait(lambda: any(_id(one) == _id(first) for one in chat.wait_for(2)[1:]))
            again = next(one for one in chat.wait_for(2)[1:] if _id(one) == _id(first))
            assert json.loads(again["body"]) == json.loads(first["body"])


def _told(mirror: MirrorProcess, token: str) -> list[str]:
    """Of the upstream, the oldest first."""
    found = [one["type"] for one in call(mirror, token, "GET", "/notices").json["notices"]]
    return [one for one in reversed(found) if one.startswith("upstream.")]


def _id(sent: dict[str, Any]) -> str:
    return str(sent["headers"]["webhook-id"])


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + FEW_S
    while not until():
        assert time.monotonic() < end, "nobody was told"
        time.sleep(0.2)

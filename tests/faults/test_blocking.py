"""A publisher who is blocked while a model of his is on its way: what was begun ends, and nothing begins any more."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask, settled
from tests.contract.repositories import MINILM

WEIGHTS = f"/{MINILM}/resolve/main/model.safetensors"


def test_a_cold_download_that_is_under_way_ends_and_its_continuation_is_refused(
    own_hub: FixtureHub, own_mirror: MirrorProcess
) -> None:
    assert settled(own_mirror.url, f"/api/models/{MINILM}").status == 200
    mark = own_hub.mark()
    own_hub.faults({"origin": "cdn", "bytes_per_s": 15_000_000})
    headers = {"Authorization": f"Bearer {own_mirror.admin_token}", "Content-Type": "application/json"}
    body = json.dumps({"effect": "block", "targets": ["sentence-transformers/*"], "reason": "advisory 10"}).encode()
    with ThreadPoolExecutor(1) as pool:
        download = pool.submit(ask, own_mirror.url, WEIGHTS)
        while not own_hub.requests("cdn", since=mark):
            assert not download.done()
            time.sleep(0.02)
        assert ask(own_mirror.url, "/api/curator/v1/lists", "POST", headers, body).status == 201
        assert not download.done(), "it is on its way"
        for asked in ({}, {"Range": "bytes=1000-"}):
            reply = settled(own_mirror.url, WEIGHTS, headers=asked)
            assert reply.status == 403
            assert "advisory 10" in reply.headers["x-error-message"]
        assert len(download.result().body) == 90_868_376
    assert settled(own_mirror.url, WEIGHTS).status == 403, "although it is all there by now"

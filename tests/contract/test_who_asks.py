"""Where a mirror wants a token, nothing that a client calls without one makes it somebody."""

from __future__ import annotations

import pytest

from fixtures.mirror import MirrorProcess
from tests.contract.http import ask

REPO = "acme-research/tiny-bert"
ADDRESSES = (f"/{REPO}/resolve/main/config.json", f"/api/models/{REPO}", f"/api/models/{REPO}/tree/main")


@pytest.mark.parametrize(
    "open_to_all", ["/api/telemetry/x", "/api/agent-harnesses", f"/{REPO}.git/info/refs?service=git-upload-pack"]
)
@pytest.mark.parametrize("stranger", [{}, {"Authorization": "Bearer hf_" + "x" * 40}], ids=["no token", "a wrong one"])
def test_a_call_that_needs_no_token_opens_nothing(
    strict: MirrorProcess, open_to_all: str, stranger: dict[str, str]
) -> None:
    known = {"Authorization": f"Bearer {strict.admin_token}"}
    for _ in range(2):  # The second is answered from memory.
        assert [ask(strict.url, address, headers=known).status for address in ADDRESSES] == [200] * len(ADDRESSES)
    ask(strict.url, open_to_all, headers=stranger)
    assert [ask(strict.url, address, headers=stranger).status for address in ADDRESSES] == [401] * len(ADDRESSES)

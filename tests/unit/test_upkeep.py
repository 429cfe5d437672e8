"""Work beside the answers goes on whatever happens, and says what did."""

from __future__ import annotations

import asyncio
import logging

import pytest

from curator import upkeep
from curator.upkeep import keep_doing


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_AGAIN_S", 0.001)
    monkeypatch.setattr(upkeep, "_AGAIN_AT_MOST_S", 0.002)


def test_a_step_that_fails_is_tried_again_and_told_of_with_its_cause_once(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([OSError("the disk is away")] * 5 + [0.0, None])
    taken = 0

    def step() -> float | None:
        nonlocal taken
        taken += 1
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    with caplog.at_level(logging.INFO):
        asyncio.run(keep_doing(step, "blobs cannot be counted"))
    assert taken == 7
    failures = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert [one.getMessage().split("; ")[0] for one in failures] == ["blobs cannot be counted (OSError)"] * 5
    assert [bool(one.exc_info) for one in failures] == [True, False, False, False, False]
    assert caplog.records[-1].getMessage() == "it is over that blobs cannot be counted"


def test_the_second_failure_after_a_success_has_its_cause_again(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([OSError("one"), 0.0, OSError("two"), None])

    def step() -> float | None:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    asyncio.run(keep_doing(step, "it fails"))
    assert [str(one.exc_info[1]) for one in caplog.records if one.exc_info and one.exc_info[1]] == ["one", "two"]


def test_work_that_is_cancelled_ends() -> None:
    async def soon_ended() -> None:
        task = asyncio.create_task(keep_doing(lambda: 60.0, "it fails"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(soon_ended())

"""The upstream is asked once for what many want to know at the same time, or one after the other."""

from __future__ import annotations

import asyncio

import pytest

from curator.errors import UpstreamUnavailable
from curator.upstream.lately import Lately


class Hub:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = asyncio.Event()
        self.broken = False

    async def describe(self) -> str:
        self.asked += 1
        await self.may.wait()
        if self.broken:
            raise UpstreamUnavailable("the Hub does not answer")
        return f"answer {self.asked}"


def test_a_thousand_who_ask_for_one_base_ask_the_hub_once() -> None:
    async def ask() -> tuple[list[str], int]:
        hub, lately = Hub(), Lately()
        hub.may.set()
        answers = await asyncio.gather(*(lately.ask("base", hub.describe) for _ in range(1_000)))
        return [*answers, await lately.ask("base", hub.describe)], hub.asked

    answers, asked = asyncio.run(ask())
    assert set(answers) == {"answer 1"}
    assert asked == 1


def test_whoever_stops_waiting_stops_nobody_else() -> None:
    async def ask() -> tuple[str, int]:
        hub, lately = Hub(), Lately()
        first, second = (asyncio.ensure_future(lately.ask("base", hub.describe)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        hub.may.set()
        return await second, hub.asked

    assert asyncio.run(ask()) == ("answer 1", 1)


def test_what_failed_is_asked_anew() -> None:
    async def ask() -> str:
        hub, lately = Hub(), Lately()
        hub.may.set()
        hub.broken = True
        for _ in range(2):
            with pytest.raises(UpstreamUnavailable):
                await lately.ask("base", hub.describe)
        hub.broken = False
        return await lately.ask("base", hub.describe)

    assert asyncio.run(ask()) == "answer 3"


def test_an_answer_holds_for_a_while_only_and_not_more_are_kept_than_are_wanted() -> None:
    async def ask() -> tuple[int, int]:
        hub, brief, few = Hub(), Lately(for_s=0.0), Lately(most=1)
        hub.may.set()
        for _ in range(3):
            await brief.ask("base", hub.describe)
            await asyncio.sleep(0.001)
        before = hub.asked
        for key in ("one", "other", "one"):
            await few.ask(key, hub.describe)
        return before, hub.asked - before

    assert asyncio.run(ask()) == (3, 3)


def test_a_question_that_nobody_waits_for_any_longer_is_given_up_and_asked_anew() -> None:
    async def ask() -> tuple[str, int]:
        hub, lately = Hub(), Lately()
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await lately.ask("base", hub.describe)
        hub.may.set()
        return await lately.ask("base", hub.describe), hub.asked

    assert asyncio.run(ask()) == ("answer 3", 3)

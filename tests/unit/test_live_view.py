"""Nobody keeps the live page from others."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from curator.database.engine import Database
from curator.store.blobs import BlobStore
from curator.web.live import MOST_OF_ONE, LiveView, TooManyListeners


def test_one_who_opens_it_again_and_again_takes_no_others_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveView, "_keep_looking", lambda _self: asyncio.sleep(60))

    async def many() -> None:
        view = LiveView(cast("Database", None), cast("BlobStore", None))
        mallorys = [view.follow("mallory") for _ in range(MOST_OF_ONE)]
        steps = [asyncio.ensure_future(anext(one)) for one in mallorys]
        await asyncio.sleep(0.01)
        with pytest.raises(TooManyListeners, match="close one of these"):
            view.require_room("mallory")
        with pytest.raises(TooManyListeners):
            await anext(view.follow("mallory"))
        view.require_room("ada")
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)
        view.require_room("mallory")

    asyncio.run(many())

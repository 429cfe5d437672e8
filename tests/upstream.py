"""The mirror's own client of the Hub, for what is easier seen without a mirror around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from curator.settings import Settings
from curator.types import RepoId, Revision
from curator.upstream.client import Upstream
from curator.upstream.connect import connect
from curator.upstream.listing import Description

TINY = RepoId.parse("acme-research/tiny-bert")
MINILM = RepoId.parse("sentence-transformers/all-MiniLM-L6-v2")
GATED = RepoId.parse("meta-llama/Llama-3.2-1B-Instruct")
MAIN = Revision("main")


@asynccontextmanager
async def upstream(url: str, patience_s: float = 0.0, **given: Any) -> AsyncIterator[Upstream]:
    client = connect(Settings(upstream=url, data=Path("nowhere"), **given), None, patience_s=patience_s)
    try:
        yield client
    finally:
        await client.close()


async def sentence(client: Upstream, repo: RepoId = TINY, revision: Revision = MAIN) -> str:
    """What the mirror says when it asks for this; empty if it gets it."""
    from curator.errors import CuratorError

    try:
        description = await client.describe(repo, revision)
    except CuratorError as error:
        return error.sentence
    assert isinstance(description, Description)
    return ""

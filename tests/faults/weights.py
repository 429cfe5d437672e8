"""A Hub with one model more, whose weights are pulled in many pieces and yet pulled often in a test."""

from __future__ import annotations

import random
import shutil
import struct
from pathlib import Path

from fixtures.hub.process import FixtureHub
from tests.contract.repositories import REPOS, TINY

LARGE = "acme-research/large"
SIZE = 12_000_000
"""Bytes of its weights, which no scan needs whole."""


def hub_with_large(folder: Path) -> FixtureHub:
    """It is made below the folder."""
    repos = folder / "repos"
    shutil.copytree(REPOS, repos)
    commit = repos / "models" / LARGE / "main"
    shutil.copytree(TINY / "first", commit)
    (commit.parent / "repo.yaml").write_text("downloads: 1200\n")
    length = SIZE - 8 - 128
    header = f'{{"weights":{{"dtype":"U8","shape":[{length}],"data_offsets":[0,{length}]}}}}'.ljust(128)
    content = struct.pack("<Q", 128) + header.encode() + random.Random(17).randbytes(length)
    (commit / "model.safetensors").write_bytes(content)
    return FixtureHub("--repos", str(repos))

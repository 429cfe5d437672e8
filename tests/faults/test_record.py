"""A mirror that is killed in the middle of its work leaves a record that is whole."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

from curator.audit.verify import verify
from curator.database.engine import Database
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.repositories import judge

TINY = "acme-research/tiny-bert"


def test_the_record_is_whole_after_the_mirror_was_killed_while_many_pulled(hub: FixtureHub, tmp_path: Path) -> None:
    data = tmp_path / "data"
    served = 0
    with MirrorProcess(data, hub.url) as mirror:
        judge(mirror.url, (f"models/{TINY}",))
        dead = threading.Event()

        def pull() -> None:
            nonlocal served
            while not dead.is_set():
                with suppress(OSError), urlopen(f"{mirror.url}/{TINY}/resolve/main/config.json", timeout=10) as answer:
                    answer.read()
                    served += 1

        pulling = [threading.Thread(target=pull) for _ in range(4)]
        for one in pulling:
            one.start()
        dead.wait(1.5)
        mirror.kill()
        dead.set()
        for one in pulling:
            one.join()
    database = Database(f"sqlite:///{data}/curator.db")
    found = verify(database)
    database.close()
    assert found.right, found.problems
    assert found.rows >= served > 0
    command = [sys.executable, "-m", "curator.cli", "audit", "verify", "--data", str(data)]
    assert b"The record is whole" in subprocess.run(command, capture_output=True, check=True).stdout

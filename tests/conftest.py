from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from curator.database.engine import Database
from curator.settings import Settings
from fixtures import programs
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.repositories import EVERYDAY, judge
from tests.databases import POSTGRESQL, SQLITE, Databases

_OURS = {f"CURATOR_{name.upper()}" for name in Settings.model_fields}
_TELLING = ("HF_", "HUGGING", "TRANSFORMERS_", "MODEL_ENDPOINT", "GIT_", "NODE_", "SSL_CERT_", "REQUESTS_", "PYTHON")
for _name in [*os.environ]:
    # What this machine's user has set, for himself or his company, tells neither mirrors nor clients anything here.
    # And without PYTHONDONTWRITEBYTECODE each start of a client compiles all that it imports.
    if _name in _OURS or _name.startswith(_TELLING) or _name.lower().endswith("_proxy"):
        del os.environ[_name]
if Path("curator.toml").exists():
    raise pytest.UsageError("curator.toml in this folder would be settings of every mirror here: move it elsewhere")
# What programs print is looked at, so it is in one language.
os.environ |= {"LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

_SLOW = [HealthCheck.too_slow]
# A change lands or not for what it changes: the suite tries the same examples each time, `explore` new ones.
settings.register_profile("suite", deadline=None, max_examples=100, derandomize=True, suppress_health_check=_SLOW)
settings.register_profile("explore", deadline=None, max_examples=5_000, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: many tests wait for a program that starts, or judges."""
    return max(2, len(os.sched_getaffinity(0)) * 3 // 2)


@pytest.fixture(scope="session", autouse=True)
def _programs_begin_loaded() -> Iterator[None]:
    """What a start of a program takes is nearly all import, and is shared by those that tests start."""
    with programs.loaded():
        yield


@pytest.fixture(scope="session")
def hub() -> Iterator[FixtureHub]:
    """A stand-in Hub that stays up and does as it should; its lists are all longer than a page.

    Others ask it too: a test looks at what it has caused itself, `hub.requests(since=hub.mark())`.
    """
    with FixtureHub("--page-size", "2") as hub:
        yield hub


@pytest.fixture(scope="session")
def mirror(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror in front of it, as `make serve` starts it, that has decided about what tests ask of it every day."""
    with MirrorProcess(tmp_path_factory.mktemp("mirror") / "data", hub.url) as mirror:
        judge(mirror.url, EVERYDAY)
        yield mirror


@pytest.fixture
def own_hub() -> Iterator[FixtureHub]:
    """A stand-in Hub of the test's own, to be stopped or made to fail."""
    with FixtureHub() as hub:
        yield hub


@pytest.fixture
def own_mirror(own_hub: FixtureHub, tmp_path: Path) -> Iterator[MirrorProcess]:
    """A mirror of the test's own."""
    with MirrorProcess(tmp_path / "data", own_hub.url) as mirror:
        yield mirror


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    own = tmp_path_factory.getbasetemp()
    return Databases(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="session", autouse=True)
def _mirrors_begin_migrated(databases: Databases) -> None:
    """That a first start makes the tables is seen in tests/contract/test_commands.py, and by the demonstration."""
    MirrorProcess.begins_with = databases.file


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def blank_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A database that has nothing in it yet: the test runs on each kind."""
    with databases.new(request.param, tmp_path, migrated=False) as url:
        yield url


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def database_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A database with the tables of now: the test runs on each kind."""
    with databases.new(request.param, tmp_path, migrated=True) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()

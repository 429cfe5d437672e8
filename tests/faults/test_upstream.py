"""A Hub that is down, slow, or lies: nothing wrong is served, nothing half is kept, and the user is told in words."""

from __future__ import annotations

import pickle
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import ROOT, VERSIONS, Client
from tests.contract.http import Reply, raw_ask, settled
from tests.contract.repositories import MINILM

SMALL = "acme-research/tiny-bert"
TINY = f"/api/models/{SMALL}"
TOKEN = "hf_fixture_reader_that_accepted_the_terms_1"


def blobs(mirror: MirrorProcess) -> list[Path]:
    """All that the mirror has kept of files to be served, whole or not."""
    found = [path for path in (mirror.data / "blobs").rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in found if path.parent.name != "set-aside"]


def allowed(mirror: MirrorProcess, path: str) -> Reply:
    reply = settled(mirror.url, path)
    assert reply.status == 200, reply.body
    return reply


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MirrorProcess, set[str]]]:
    """A mirror whose Hub went down long ago, after a client had pulled a model; and that model's files."""
    folder = tmp_path_factory.mktemp("left-alone")
    variables = {"CURATOR_REVISION_TTL_S": "0.01"}
    with FixtureHub() as hub, MirrorProcess(folder / "data", hub.url, variables) as mirror:
        allowed(mirror, TINY)
        pulled = Client("2.4", mirror.url, folder / "one").snapshot("acme-research/tiny-bert")
        hub.stop()
        yield mirror, {path.name for path in pulled.iterdir()}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_admitted_is_served_when_the_hub_is_down(
    left_alone: tuple[MirrorProcess, set[str]], tmp_path: Path, version: str
) -> None:
    mirror, names = left_alone
    client = Client(version, mirror.url, tmp_path / "home")
    assert {path.name for path in client.snapshot("acme-research/tiny-bert").iterdir()} == names
    assert client.call("info", repo_id="acme-research/tiny-bert").error is None
    assert client.call("tree", repo_id="acme-research/tiny-bert", expand=True).error is None


def test_it_is_served_when_the_mirror_was_restarted_too(left_alone: tuple[MirrorProcess, set[str]]) -> None:
    mirror, _ = left_alone
    mirror.stop()
    mirror.start()
    allowed(mirror, TINY)
    allowed(mirror, "/acme-research/tiny-bert/resolve/main/config.json")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_repository_says_that_the_hub_cannot_be_reached(
    left_alone: tuple[MirrorProcess, set[str]], tmp_path: Path, version: str
) -> None:
    client = Client(version, left_alone[0].url, tmp_path / "home")
    answer = client.call("file", repo_id="acme-research/tiny-torch", filename="config.json")
    assert "The Hub could not be reached for acme-research/tiny-torch@main" in answer.message


@pytest.fixture(scope="module")
def failing_hub() -> Iterator[FixtureHub]:
    with FixtureHub() as hub:
        yield hub


@pytest.fixture(scope="module")
def shared(failing_hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that asks a failing Hub again and again, at every question."""
    variables = {
        "CURATOR_BREAKER_FAILURES": "1000",
        "CURATOR_REVISION_TTL_S": "0.001",
        "CURATOR_BRANCH_SESSION_S": "0",
    }
    with MirrorProcess(tmp_path_factory.mktemp("shared") / "data", failing_hub.url, variables) as mirror:
        yield mirror


@dataclass(frozen=True)
class Case:
    """A repository of the test's own at a Hub that may be told to fail, and a mirror that has none of its weights."""

    hub: FixtureHub
    mirror: MirrorProcess
    repo: str

    @property
    def info(self) -> str:
        return f"/api/models/{self.repo}"

    @property
    def weights(self) -> str:
        return f"/{self.repo}/resolve/main/model.safetensors"

    def faults(self, *faults: dict[str, Any]) -> None:
        self.hub.faults(*faults)

    def one(self, query: str) -> Any:
        """What the mirror's database has of this repository; the query ends with a condition that takes its name."""
        with sqlite3.connect(self.mirror.data / "curator.db") as connection:
            return connection.execute(query, (self.repo,)).fetchone()


@pytest.fixture
def case(request: pytest.FixtureRequest, failing_hub: FixtureHub, shared: MirrorProcess) -> Iterator[Case]:
    """Of a small repository, or of the one that the test names."""
    for blob in blobs(shared):
        if blob.stat().st_size > 4_000_000:
            blob.unlink()
    yield Case(failing_hub, shared, failing_hub.copy(getattr(request, "param", SMALL)))
    failing_hub.faults()


large = pytest.mark.parametrize("case", [MINILM], indirect=True)


def test_a_listing_that_cannot_be_had_holds_the_repository(case: Case) -> None:
    case.faults({"path": "/api/models/*/tree/*", "status": 500})
    reply = settled(case.mirror.url, case.info)
    assert reply.status == 403
    assert "The Hub answers 500" in reply.json["error"]
    case.faults()
    allowed(case.mirror, case.info)


@pytest.mark.parametrize("case", ["acme-research/lora"], indirect=True)
def test_a_file_that_cannot_be_fetched_to_be_scanned_is_not_served(case: Case) -> None:
    # Nothing else here has a file like that, so the mirror cannot know it already.
    case.faults({"path": "*/adapter_config.json", "status": 500})
    reply = settled(case.mirror.url, case.info)
    assert reply.status == 403
    assert "adapter_config.json could not be judged: The Hub answers 500" in reply.json["error"]


@large
def test_a_download_that_breaks_off_goes_on_where_it_was(case: Case) -> None:
    allowed(case.mirror, case.info)
    mark = case.hub.mark()
    case.faults({"origin": "cdn", "times": 2, "reset_after": 5_000_000})
    reply = allowed(case.mirror, case.weights)
    assert len(reply.body) == 90_868_376
    ranges = [entry["range"] for entry in case.hub.requests("cdn", since=mark)]
    assert ranges[0] is None
    assert all(asked is not None and not asked.startswith("bytes=0-") for asked in ranges[1:])


@large
def test_an_expired_link_is_renewed(case: Case) -> None:
    allowed(case.mirror, case.info)
    case.faults({"origin": "cdn", "times": 1, "reset_after": 5_000_000, "expires_links": True})
    mark = case.hub.mark()
    assert len(allowed(case.mirror, case.weights).body) == 90_868_376
    assert [entry["status"] for entry in case.hub.requests("cdn", since=mark)] == [200, 403, 206]


def broken_off(mirror: MirrorProcess, path: str) -> bytes:
    """The body of an answer that must not come to its announced end."""
    received = raw_ask(mirror.url, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = received.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 200"):
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        assert len(body) < int(length.split(b":")[1])
    return body


@large
def test_a_wrong_byte_is_never_given_out_as_a_whole_file_and_reopens_the_decision_on_the_record(case: Case) -> None:
    allowed(case.mirror, case.info)
    kept = len(blobs(case.mirror))
    case.faults({"origin": "cdn", "flip_byte": 45_000_000})
    assert len(broken_off(case.mirror, case.weights)) < 90_868_376
    assert len(blobs(case.mirror)) == kept
    (sentence,) = case.one("SELECT sentence FROM audit WHERE action = 'mismatch' AND repo = ?")
    # What has ended is soon judged anew by itself, so that there may be a second decision already.
    of_it = "snapshot_id IN (SELECT id FROM snapshots WHERE repo = ?)"
    (first,) = case.one(f"SELECT expires_at = at FROM decisions WHERE {of_it} ORDER BY id")
    assert "sent bytes with the hash" in sentence
    assert first == 1
    case.faults()
    assert len(allowed(case.mirror, case.weights).body) == 90_868_376


@pytest.mark.parametrize("case", ["acme-research/borrowed-code"], indirect=True)
def test_a_file_with_a_wrong_hash_is_not_judged_by_other_bytes(case: Case) -> None:
    # Nothing else here has a file like that either.
    case.faults({"path": "*/config.json", "flip_byte": 3})
    reply = settled(case.mirror.url, case.info)
    assert reply.status == 403
    assert "config.json could not be judged: The upstream sent bytes with the hash" in reply.json["error"]


@large
def test_a_short_file_is_not_served(case: Case) -> None:
    allowed(case.mirror, case.info)
    case.faults({"origin": "cdn", "truncate_to": 0})
    broken_off(case.mirror, case.weights)
    assert not [path for path in blobs(case.mirror) if path.stat().st_size > 4_000_000]


def test_a_redirect_without_end_is_told_in_words(case: Case) -> None:
    case.faults({"path": "/api/models/*", "redirect_to": f"{case.hub.url}{case.info}"})
    reply = settled(case.mirror.url, case.info)
    assert reply.status == 403
    assert "redirects more than 5 times" in reply.json["error"]


def test_a_redirect_to_something_that_is_not_the_web_is_not_followed(case: Case) -> None:
    case.faults({"path": "/api/models/*", "redirect_to": "file:///etc/passwd"})
    assert "not a web address" in settled(case.mirror.url, case.info).json["error"]


@pytest.fixture(scope="module")
def ranged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FixtureHub, MirrorProcess]]:
    """A mirror with an account at its Hub, that judges files by ranges where that is enough."""
    variables = {"CURATOR_UPSTREAM_TOKEN": TOKEN, "CURATOR_SCAN_WHOLE_BELOW_BYTES": "0"}
    data = tmp_path_factory.mktemp("ranged") / "data"
    with FixtureHub() as hub, MirrorProcess(data, hub.url, variables) as mirror:
        yield hub, mirror


def test_a_token_of_the_mirrors_own_opens_a_gated_model_and_goes_nowhere_else(
    ranged: tuple[FixtureHub, MirrorProcess],
) -> None:
    hub, mirror = ranged
    allowed(mirror, "/api/models/meta-llama/Llama-3.2-1B-Instruct")
    allowed(mirror, "/meta-llama/Llama-3.2-1B-Instruct/resolve/main/model.safetensors")
    assert {entry["token"] for entry in hub.requests("hub")} == {TOKEN}
    assert {entry["token"] for entry in hub.requests("cdn")} == {""}
    assert TOKEN not in mirror.log.read_text()


@large
def test_many_clients_of_a_cold_file_are_one_fetch(case: Case) -> None:
    from concurrent.futures import ThreadPoolExecutor

    allowed(case.mirror, case.info)
    mark = case.hub.mark()
    with ThreadPoolExecutor(6) as pool:
        sizes = list(pool.map(lambda _: len(allowed(case.mirror, case.weights).body), range(6)))
    assert sizes == [90_868_376] * 6
    assert len(case.hub.requests("cdn", since=mark)) == 1


def test_a_branch_that_moves_is_followed_and_the_old_commit_stays(case: Case) -> None:
    old = allowed(case.mirror, f"{case.info}/revision/v1.0").json["sha"]
    new = allowed(case.mirror, case.info).json["sha"]
    case.hub.move_branch(case.repo, "main", old)
    assert allowed(case.mirror, case.info).json["sha"] == old
    assert allowed(case.mirror, f"{case.info}/revision/{new}").json["sha"] == new


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_hub_that_answers_with_errors_is_told_in_words_and_asked_again_when_it_said(
    ranged: tuple[FixtureHub, MirrorProcess], status: int
) -> None:
    hub, mirror = ranged
    info = f"/api/models/{hub.copy(SMALL)}"
    with hub.failing({"path": "/api/models/*", "status": status, "headers": {"Retry-After": "2"}}):
        reply = settled(mirror.url, info)
    assert reply.status == 403
    assert f"The Hub answers {status}" in reply.json["error"]
    assert "come back in 2 s" in reply.json["error"]
    deadline = time.monotonic() + 60
    while settled(mirror.url, info).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def pickle_of(size: int) -> bytes:
    """A harmless pickle of this size."""
    for length in range(size):
        content = pickle.dumps(b"a" * length, protocol=4)
        if len(content) == size:
            return content
    raise AssertionError(size)


def test_a_hub_that_shows_scanners_other_bytes_than_users_is_found_out(
    ranged: tuple[FixtureHub, MirrorProcess], tmp_path: Path
) -> None:
    hub, mirror = ranged
    right = ROOT / "fixtures/repos/models/mallory/shell-in-a-pickle/main/pytorch_model.bin"
    harmless = tmp_path / "harmless.pkl"
    harmless.write_bytes(pickle_of(right.stat().st_size))
    shown = (
        {"path": "*/pytorch_model.bin", "ranges_from": str(harmless)},
        {"origin": "cdn", "ranges_from": str(harmless)},
    )
    with hub.failing(*shown):
        allowed(mirror, "/api/models/mallory/shell-in-a-pickle")
        body = broken_off(mirror, "/mallory/shell-in-a-pickle/resolve/main/pytorch_model.bin")
        assert right.read_bytes() not in body
        assert not [path for path in blobs(mirror) if path.name.endswith(sha256(right.read_bytes()).hexdigest()[2:])]
        assert [path.read_bytes() for path in (mirror.data / "blobs" / "set-aside").iterdir()] == [right.read_bytes()]
        with sqlite3.connect(mirror.data / "curator.db") as connection:
            (sentence,) = connection.execute("SELECT sentence FROM audit WHERE action = 'mismatch'").fetchone()
        assert "pytorch_model.bin" in sentence
        assert (
            "safe from ranges, unsafe as a whole. The file is not given out, and the decision is reopened" in sentence
        )
        again = settled(mirror.url, "/api/models/mallory/shell-in-a-pickle")
        assert again.status == 403
        assert "unsafe-file" in again.json["error"]

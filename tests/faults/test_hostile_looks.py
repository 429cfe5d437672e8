"""A Hub that is broken, slow or malicious where the mirror looks around a commit: what cannot be had is told as
unknown, within bounded time and memory, and nothing else is lost with it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from curator.admission import looking
from curator.admission.look import COPIED, HISTORY, HUB_SCAN, LICENSE, LINEAGE, OWNER, Look
from curator.admission.looking import Looker
from curator.admission.snapshots import Snapshot
from curator.database.engine import now
from curator.store.blobs import BlobStore
from curator.store.fill import Filler
from curator.types import BlobId, Commit, HashKind, RepoFile, RepoId
from scanners.repository.parents import MOST_PARENTS
from tests.upstream import upstream

REPO = RepoId.parse("acme/tiny")
COMMIT = Commit(REPO, "1" * 40)
INFO = {"id": str(REPO), "sha": COMMIT.sha, "cardData": {"base_model": "acme/base"}}
SLOWLY_S = 0.5
"""How long each part of a look may take here, instead of 15 s."""
MEGABYTE = 1 << 20

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def said(document: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=json.dumps(document), status=status, content_type="application/json", headers=headers)

    return answer


def raw(body: bytes, status: int = 200) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status)

    return answer


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


@dataclass
class Hub:
    """What it answers to the beginning of a path; the longest that is known counts."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    """Bytes of endless answers, by path."""

    def __post_init__(self) -> None:
        base = {"id": "acme/base", "sha": "2" * 40, "cardData": {"license": "mit"}}
        self.answers = {
            "/api/organizations/acme/overview": said({"_id": "5f" * 12, "name": "acme", "isVerified": True}),
            "/api/models/acme/tiny/revision/": said(INFO),
            "/api/models/acme/tiny/commits/": said([{"id": COMMIT.sha, "date": "2026-01-01T00:00:00Z"}]),
            "/api/models/acme/base/revision/": said(base),
            "": raw(b"Entry not found", 404),
        } | self.answers

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        known = max((path for path in self.answers if request.path.startswith(path)), key=len)
        return await self.answers[known](request)

    def endless(self, beginning: bytes, length: int, **headers: str) -> Answer:
        """So many bytes, counted as they go."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": str(length), **headers})
            await response.prepare(request)
            left, chunk = length, beginning + b" " * MEGABYTE
            try:
                while left > 0:
                    chunk = chunk[: min(left, MEGABYTE)]
                    await response.write(chunk)
                    self.sent[request.path] += len(chunk)
                    left, chunk = left - len(chunk), b" " * MEGABYTE
            except ConnectionError:
                pass
            return response

        return answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        try:
            yield f"http://127.0.0.1:{cast('Any', site._server).sockets[0].getsockname()[1]}"
        finally:
            await runner.cleanup()


def file_of(path: str, size: int) -> RepoFile:
    return RepoFile(path, size, BlobId(HashKind.SHA256, "a" * 64), "0" * 40, 130)


def looked(hub: Hub, folder: Path, *files: RepoFile, info: dict[str, Any] | None = None) -> tuple[Look, float]:
    """What a look comes to, and how many seconds it took."""

    async def run() -> tuple[Look, float]:
        store = BlobStore(folder / "blobs", 0)
        store.prepare()
        filler = Filler(store)
        async with hub.running() as url, upstream(url) as client:
            looker = Looker(cast("Any", None), client, filler, cast("Any", None), 1)
            began = time.monotonic()
            look = await looker.see(Snapshot(1, COMMIT, info or INFO, True), list(files), {}, True)
            took_s = time.monotonic() - began
            await filler.close()
        return look, took_s

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "_WITHIN_S", SLOWLY_S)


def test_a_hub_that_answers_as_it_should_leaves_nothing_unknown(tmp_path: Path) -> None:
    look, _ = looked(Hub(), tmp_path)
    assert look.gaps == {}
    assert look.owner is not None
    assert [one.repository for one in look.relatives] == ["acme/base"]


@pytest.mark.parametrize(
    "page",
    [
        said({"error": "no"}, 403),
        said({"error": "no"}, 401),
        said({"error": "broken"}, 500),
        raw(b"<html>not JSON</html>"),
        raw(b"[" * 100_000),
        raw(b'{"a": NaN}'),
        raw(b'{"numFollowers": ' + b"9" * 10_000 + b"}"),
        said(["a list"]),
        said("a text"),
        silent,
    ],
    ids=["403", "401", "500", "html", "deep", "nan", "digits", "list", "text", "slow"],
)
def test_an_owner_who_cannot_be_had_is_unknown_and_everything_else_is_known(tmp_path: Path, page: Answer) -> None:
    look, took_s = looked(Hub({"/api/organizations/acme/overview": page}), tmp_path)
    assert look.owner is None
    assert list(look.gaps) == [OWNER]
    assert look.gaps[OWNER].startswith("The Hub")
    assert [one.state for one in look.relatives] == ["found"]
    assert look.committed_at == "2026-01-01T00:00:00Z"
    assert took_s < SLOWLY_S + 3


def test_an_account_that_is_gone_is_known_to_be_gone(tmp_path: Path) -> None:
    look, _ = looked(Hub({"/api/organizations/acme/overview": raw(b"", 404)}), tmp_path)
    assert (look.owner, look.gaps) == (None, {})


def test_of_an_owners_page_without_an_end_a_megabyte_is_read(tmp_path: Path) -> None:
    hub = Hub()
    path = "/api/organizations/acme/overview"
    hub.answers[path] = hub.endless(b'{"_id": "5f", "name": "', 300 * MEGABYTE)
    look, _ = looked(hub, tmp_path)
    assert "longer than 1 MB" in look.gaps[OWNER]
    assert hub.sent[path] < 20 * MEGABYTE


def test_what_an_owners_page_has_beside_plain_fields_is_not_kept(tmp_path: Path) -> None:
    page = {"_id": "5f" * 12, "name": "acme", "orgs": [{"x": "y" * 100}] * 5_000, "details": "z" * 100_000}
    look, _ = looked(Hub({"/api/organizations/acme/overview": said(page)}), tmp_path)
    assert look.gaps == {}
    assert len(json.dumps(look.as_json())) < 5_000


@pytest.mark.parametrize("entries", [[], [{"id": "1" * 40, "date": 7}] * 100], ids=["empty", "full"])
def test_a_history_that_goes_round_in_a_circle_has_an_end(tmp_path: Path, entries: list[Any]) -> None:
    path = f"/api/models/acme/tiny/commits/{COMMIT.sha}"
    hub = Hub({path: said(entries, Link=f'<{path}?limit=100>; rel="next"')})
    look, _ = looked(hub, tmp_path)
    assert look.first_commit == "", "where it begins is not known"
    assert hub.asked[path] <= 20


@pytest.mark.parametrize(
    "page",
    [said([{"id": "no commit"}]), said({"a": "b"}), said([7]), raw(b"\xff\xfe"), silent],
    ids=["no-commit", "object", "number", "bytes", "slow"],
)
def test_a_history_that_cannot_be_read_is_unknown(tmp_path: Path, page: Answer) -> None:
    look, _ = looked(Hub({"/api/models/acme/tiny/commits/": page}), tmp_path)
    assert list(look.gaps) == [HISTORY]


def test_of_a_card_that_is_far_too_long_the_beginning_is_read(tmp_path: Path) -> None:
    hub = Hub()
    path = f"/acme/tiny/resolve/{COMMIT.sha}/README.md"
    hub.answers[path] = hub.endless(b"---\nlicense: mit\n---\n", 300 * MEGABYTE)
    look, _ = looked(hub, tmp_path, file_of("README.md", 300 * MEGABYTE))
    assert look.gaps == {}
    assert look.texts["README.md"].startswith("---\nlicense: mit")
    assert len(look.texts["README.md"]) <= 256 << 10
    assert hub.sent[path] < 20 * MEGABYTE, "although it does not serve parts"


def test_a_document_that_would_name_parents_and_is_too_long_to_be_read_is_told_as_unknown(tmp_path: Path) -> None:
    hub = Hub()
    look, _ = looked(hub, tmp_path, file_of("adapter_config.json", 100 * MEGABYTE))
    assert look.gaps == {LINEAGE: "adapter_config.json has 100 MB, too many to be read for its parents"}
    assert hub.asked[f"/acme/tiny/resolve/{COMMIT.sha}/adapter_config.json"] == 0


def test_a_licence_that_is_no_text_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = f"/acme/tiny/resolve/{COMMIT.sha}/LICENSE"
    look, _ = looked(Hub({path: raw(bytes(range(256)) * 100)}), tmp_path, file_of("LICENSE", 25_600))
    assert look.gaps == {}
    json.dumps(look.as_json()).encode()
    gone, _ = looked(Hub({path: raw(b"", 500)}), tmp_path / "gone", file_of("LICENSE", 25_600))
    assert list(gone.gaps) == [LICENSE]


ODD = [
    "../../etc/passwd",
    "acme/tiny",
    "ACME/Tiny",
    "a b/c",
    "acme/base?x=y#z",
    "\0",
    "x" * 5_000,
    "acme/./base",
    "🤗/x",
]


@pytest.mark.parametrize(
    "parents",
    [[f"acme/parent-{number}" for number in range(1_000)], ODD, [["nested"]], {"a": "b"}, 7, "acme/tiny"],
    ids=["thousand", "odd", "nested", "object", "number", "itself"],
)
def test_whatever_parents_are_declared_few_are_asked_for(tmp_path: Path, parents: Any) -> None:
    hub = Hub()
    look, took_s = looked(hub, tmp_path, info=INFO | {"cardData": {"base_model": parents}})
    assert hub.asked.total() <= 5 + 2 * MOST_PARENTS
    assert len(look.relatives) <= MOST_PARENTS
    assert all(path.startswith("/api/") for path in hub.asked)
    assert not [path for path in hub.asked if ".." in path or "etc" in path]
    assert took_s < 5


def test_a_chain_of_ancestors_without_an_end_is_followed_a_few_steps(tmp_path: Path) -> None:
    async def next_one(request: web.Request) -> web.StreamResponse:
        name = request.path.split("/")[4]
        number = int(name.rpartition("-")[2]) + 1
        info = {"id": f"acme/{name}", "sha": "3" * 40, "cardData": {"base_model": f"acme/up-{number}"}}
        return await said(info)(request)

    hub = Hub({"/api/models/acme/up-": next_one})
    look, _ = looked(hub, tmp_path, info=INFO | {"cardData": {"base_model": "acme/up-0"}})
    assert len(look.relatives) <= 9
    assert look.gaps == {}


def test_an_ancestor_that_leads_to_another_repository_is_kept_under_the_name_it_has(tmp_path: Path) -> None:
    moved = {"id": "other/renamed", "sha": "4" * 40, "cardData": {"base_model": "acme/tiny"}}
    look, _ = looked(Hub({"/api/models/acme/base/revision/": said(moved)}), tmp_path)
    assert [(one.asked, one.repository) for one in look.relatives] == [("acme/base", "other/renamed")]


@pytest.mark.parametrize(
    "answer",
    [silent, said({"id": "../..", "sha": "x"}), raw(b"{}"), raw(b"", 500)],
    ids=["slow", "odd", "empty", "broken"],
)
def test_an_ancestor_that_cannot_be_described_leaves_the_lineage_unknown(tmp_path: Path, answer: Answer) -> None:
    look, took_s = looked(Hub({"/api/models/acme/base/revision/": answer}), tmp_path)
    assert list(look.gaps) == [LINEAGE]
    assert look.owner is not None
    assert took_s < SLOWLY_S + 3


def test_of_an_ancestors_description_without_an_end_not_all_is_read(tmp_path: Path) -> None:
    hub = Hub()
    hub.answers["/api/models/acme/base/revision/"] = hub.endless(b'{"id": "acme/base", "x": "', 200 * MEGABYTE)
    look, _ = looked(hub, tmp_path)
    assert LINEAGE in look.gaps
    assert hub.sent.total() < 80 * MEGABYTE


def test_a_hub_that_says_nothing_at_all_costs_two_times_the_patience_with_it(tmp_path: Path) -> None:
    hub = Hub()
    hub.answers = {"": silent}
    look, took_s = looked(hub, tmp_path, file_of("README.md", 300), file_of("LICENSE", 300))
    assert set(look.gaps) == {OWNER, HISTORY, HUB_SCAN, LICENSE, LINEAGE}
    assert COPIED not in look.gaps, "its name is like no other's"
    assert took_s < 2 * SLOWLY_S + 3


@pytest.mark.parametrize(
    "answer", [silent, raw(b"", 500), raw(b"<html>", 200), raw(b"", 429)], ids=["slow", "500", "html", "429"]
)
def test_a_hub_that_is_down_when_it_is_asked_again_makes_no_other_look(tmp_path: Path, answer: Answer) -> None:
    async def run() -> tuple[Look, Look]:
        hub = Hub()
        async with hub.running() as url, upstream(url) as client:
            looker = Looker(cast("Any", None), client, cast("Any", None), cast("Any", None), 1)
            snapshot = Snapshot(1, COMMIT, INFO, True)
            before = await looker.see(snapshot, [], {}, True)
            hub.answers = {"": answer}
            again, info = await looker.see_again(snapshot, [], {}, before)
            assert info is None
        return before, again

    before, again = asyncio.run(run())
    assert before.gaps == {}
    assert set(again.gaps) == {OWNER, HUB_SCAN, LINEAGE}
    assert again.taken_down == ""
    kept = again.filled_from(before)
    assert kept.digest == before.digest, "so no decision is made anew"
    assert kept.is_complete


def test_in_which_words_the_hub_fails_makes_no_other_look() -> None:
    one = Look(gaps={OWNER: "tried again at 12:00:01"}, at=now())
    other = Look(gaps={OWNER: "tried again at 12:10:07"}, at=now())
    assert one.digest == other.digest
    assert one.digest != Look(at=now()).digest

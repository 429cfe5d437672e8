"""An upstream that is down, overloaded, slow or says no is asked no more than it should be."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from curator.errors import MirrorOffline, UpstreamPaused, UpstreamRefused, UpstreamUnavailable
from curator.types import RepoFile, RepoId, Revision
from fixtures.hub.process import FixtureHub
from tests.forward_proxy import ForwardProxy
from tests.upstream import GATED, MAIN, MINILM, TINY, sentence, upstream

T = TypeVar("T")
OTHERS = [RepoId.parse(f"acme-research/{name}") for name in ("tiny-torch", "gpt2-mini", "many-files", "tiny-gguf")]


def asked(hub: FixtureHub) -> int:
    return len(hub.requests())


def test_a_storm_of_errors_is_not_answered_with_a_storm_of_requests(own_hub: FixtureHub) -> None:
    own_hub.faults({"status": 500})

    async def run() -> list[str]:
        async with upstream(own_hub.url, breaker_failures=3) as client:
            return [await sentence(client, repo) for repo in [TINY, *OTHERS] * 10]

    said = run_it(run)
    assert asked(own_hub) == 3
    assert all("The Hub answers 500" in one for one in said[:3])
    assert all("failed 3 times in a row, so it is left alone since" in one for one in said[3:])
    assert all("UTC, and tried again at" in one for one in said[3:])


def test_one_thing_that_always_fails_does_not_close_the_door_to_the_others(own_hub: FixtureHub) -> None:
    own_hub.faults({"path": "*/tiny-bert/*", "status": 500})

    async def run() -> str:
        async with upstream(own_hub.url, breaker_failures=3) as client:
            for _ in range(10):
                assert "The Hub answers 500" in await sentence(client)
            return await sentence(client, OTHERS[0])

    assert run_it(run) == ""


def test_a_hub_that_is_down_costs_a_few_tries_and_is_found_again_by_one(own_hub: FixtureHub) -> None:
    async def run() -> None:
        async with upstream(own_hub.url, breaker_failures=3, breaker_open_s=2) as client:
            own_hub.stop()
            said = [await sentence(client) for _ in range(5)]
            opened = time.monotonic()
            assert ["left alone" in one for one in said] == [False, False, False, True, True]
            own_hub.start()
            await asyncio.sleep(max(0.0, opened + 2.1 - time.monotonic()))
            own_hub.faults({"delay_s": 0.2})
            told = await asyncio.gather(*(sentence(client, repo) for repo in [TINY, *OTHERS]))
            assert [one == "" for one in told].count(True) == 1, "the others wait for what the one finds"
            assert await sentence(client, OTHERS[0]) == ""

    run_it(run)


def test_whoever_leaves_in_the_middle_of_the_probe_does_not_keep_it(own_hub: FixtureHub) -> None:
    async def run() -> None:
        async with upstream(own_hub.url, breaker_failures=1, breaker_open_s=0.2) as client:
            own_hub.faults({"status": 500, "times": 1}, {"delay_s": 60.0, "times": 1})
            await sentence(client)
            await asyncio.sleep(0.3)
            probe = asyncio.ensure_future(sentence(client))
            while await asyncio.to_thread(asked, own_hub) < 2:
                assert not probe.done()
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)
            assert await sentence(client) == ""

    run_it(run)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429])
def test_a_no_is_an_answer_and_not_a_failure(own_hub: FixtureHub, status: int) -> None:
    own_hub.faults({"status": status})

    async def run() -> None:
        async with upstream(own_hub.url, breaker_failures=1) as client:
            for repo in [TINY, *OTHERS]:
                assert "left alone" not in await sentence(client, repo)

    run_it(run)
    assert asked(own_hub) == 1 + len(OTHERS)


@pytest.mark.parametrize(
    ("repo", "revision", "said"),
    [
        (RepoId.parse("nobody/nothing"), MAIN, "has no repository nobody/nothing"),
        (TINY, Revision("no-such-branch"), "has no revision acme-research/tiny-bert@no-such-branch"),
    ],
)
def test_what_does_not_exist_is_asked_for_once(
    own_hub: FixtureHub, repo: RepoId, revision: Revision, said: str
) -> None:
    async def run() -> None:
        async with upstream(own_hub.url) as client:
            for _ in range(5):
                assert said in await sentence(client, repo, revision)
            assert await sentence(client) == "", "another revision is another question"

    run_it(run)
    assert asked(own_hub) == 2


def test_what_does_not_exist_is_asked_for_again_after_a_while(own_hub: FixtureHub) -> None:
    async def run() -> None:
        async with upstream(own_hub.url, not_found_ttl_s=0.2) as client:
            await sentence(client, TINY, Revision("soon"))
            await asyncio.sleep(0.3)
            await sentence(client, TINY, Revision("soon"))

    run_it(run)
    assert asked(own_hub) == 2


def test_a_gated_listing_is_asked_for_once_and_says_what_the_administrator_can_do(own_hub: FixtureHub) -> None:
    async def run() -> None:
        async with upstream(own_hub.url) as client:
            commit = (await client.describe(GATED, MAIN)).commit
            for _ in range(5):
                with pytest.raises(UpstreamRefused, match=r"`curator upstream-token add 'meta-llama/\*'`"):
                    await client.list_files(commit)

    run_it(run)
    assert asked(own_hub) == 2


def test_a_short_pause_is_waited_out(own_hub: FixtureHub) -> None:
    own_hub.faults({"status": 429, "headers": {"Retry-After": "1"}, "times": 1})

    async def run() -> float:
        async with upstream(own_hub.url, patience_s=5) as client:
            began = time.monotonic()
            assert await sentence(client) == ""
            return time.monotonic() - began

    assert run_it(run) >= 1
    assert asked(own_hub) == 2


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, lambda: {"Retry-After": "40"}),
        (
            503,
            lambda: {"Retry-After": format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=40), usegmt=True)},
        ),
        (429, lambda: {"RateLimit": '"api";r=0;t=40', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}),
    ],
)
def test_nothing_is_asked_before_a_long_pause_is_over(
    own_hub: FixtureHub, status: int, headers: Callable[[], dict[str, str]]
) -> None:
    own_hub.faults({"status": status, "headers": headers(), "times": 1})

    async def run() -> list[str]:
        async with upstream(own_hub.url, patience_s=2) as client:
            return [await sentence(client, repo) for repo in [TINY, *OTHERS]]

    first, *others = run_it(run)
    assert f"The Hub answers {status}" in first
    assert "asks to come back in" in first
    assert all("asks to be left alone for another" in one and "try again then" in one for one in others)
    assert asked(own_hub) == 1


def test_the_last_request_of_a_quota_is_answered_and_the_next_not_sent(own_hub: FixtureHub) -> None:
    own_hub.faults(
        {"path": "/api/models/*/tree/*", "status": 200, "headers": {"RateLimit": '"api";r=0;t=40'}, "times": 1}
    )

    async def run() -> None:
        async with upstream(own_hub.url) as client:
            commit = (await client.describe(TINY, MAIN)).commit
            with pytest.raises(UpstreamUnavailable, match="cannot be read"):
                await client.list_files(commit)
            with pytest.raises(UpstreamPaused):
                await client.list_files(commit)

    run_it(run)


def test_a_cdn_that_is_down_does_not_close_the_hub(own_hub: FixtureHub) -> None:
    own_hub.faults({"origin": "cdn", "status": 503, "headers": {"Retry-After": "60"}})

    async def run() -> None:
        async with upstream(own_hub.url, breaker_failures=1) as client:
            commit = (await client.describe(MINILM, MAIN)).commit
            with pytest.raises(UpstreamUnavailable, match="The Hub answers 503"):
                await client.read(commit, "model.safetensors", 0, 10)
            assert await sentence(client) == ""
            assert len(await client.read(commit, "config.json", 0, 10)) == 10

    run_it(run)


def test_links_that_run_out_are_renewed_and_are_no_failures(own_hub: FixtureHub) -> None:
    own_hub.faults({"origin": "cdn", "times": 1, "expires_links": True})

    async def run() -> None:
        async with upstream(own_hub.url, breaker_failures=1) as client:
            commit = (await client.describe(MINILM, MAIN)).commit
            for _ in range(2):
                assert len(await client.read(commit, "model.safetensors", 0, 10)) == 10

    run_it(run)
    assert [entry["status"] for entry in own_hub.requests("cdn")] == [206, 403, 206]


def test_a_hub_that_never_answers_counts_as_one_that_is_down(own_hub: FixtureHub) -> None:
    own_hub.faults({"delay_s": 30.0})

    async def run() -> list[str]:
        async with upstream(own_hub.url, breaker_failures=2, upstream_timeout_s=0.3) as client:
            return [await sentence(client, repo) for repo in [TINY, *OTHERS]]

    said = run_it(run)
    assert "it did not answer in time" in said[0]
    assert ["left alone" in one for one in said] == [False, False, True, True, True]


def test_a_file_that_trickles_is_given_up(own_hub: FixtureHub) -> None:
    own_hub.faults({"origin": "cdn", "bytes_per_s": 10})

    async def run() -> None:
        async with upstream(own_hub.url, upstream_timeout_s=2) as client:
            commit = (await client.describe(MINILM, MAIN)).commit
            with pytest.raises(UpstreamUnavailable, match=r"too slowly: \d+ bytes in 2 s"):
                await client.read(commit, "model.safetensors", 0, 10_000)

    run_it(run)


def test_an_answer_that_trickles_is_given_up() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.1)

    async def run() -> str:
        async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with upstream(f"http://127.0.0.1:{port}", upstream_timeout_s=1) as client:
                return await sentence(client)

    assert "The Hub sends what it says of acme-research/tiny-bert@main too slowly" in run_it(run)


def answering(*pieces: bytes, pause_s: float = 0.0) -> Callable[[Callable[[str], Coroutine[Any, Any, T]]], T]:
    """Runs something against a Hub that answers every request with these bytes, one piece after the other."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
            writer.close()

    def run(ask: Callable[[str], Coroutine[Any, Any, T]]) -> T:
        async def asked() -> T:
            async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
                return await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")

        return asyncio.run(asked())

    return run


async def said_of_tiny(url: str) -> str:
    async with upstream(url) as client:
        return await sentence(client)


DESCRIPTION = b'{"id": "acme-research/tiny-bert", "sha": "%s", "note": "%s"}' % (b"1" * 40, b"x" * 70)


def test_a_document_in_chunks_whose_ends_come_late_is_read_to_its_end() -> None:
    # The mark that ends a chunk of the transfer coding often comes in a packet of its own.
    chunks = [DESCRIPTION[at : at + 40] for at in range(0, len(DESCRIPTION), 40)]
    pieces = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for chunk in chunks:
        pieces += [b"%x\r\n%s" % (len(chunk), chunk), b"\r\n"]
    assert answering(*pieces, b"0\r\n\r\n", pause_s=0.03)(said_of_tiny) == ""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (DESCRIPTION.replace(b"xxx", b"\\ud83d"), "surrogates not allowed"),
        (DESCRIPTION.replace(b'"note"', b'"downloads": NaN, "note"'), "NaN is not a number"),
        (b"[" * 400 + b"]" * 400, "too deep"),
        (b"[" * 100_000, "too deep"),
        (b"9" * 5_000, "digits"),
        (b"\xff\xfe\xff", "decode"),
    ],
)
def test_a_document_that_could_not_be_kept_is_not_believed(body: bytes, why: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    said = answering(head, body)(said_of_tiny)
    assert "The Hub's answer about acme-research/tiny-bert@main cannot be read" in said
    assert why in said


def test_a_whole_pair_of_surrogates_is_a_letter() -> None:
    body = DESCRIPTION.replace(b"xxx", b"\\ud83d\\ude00")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert answering(head, body)(said_of_tiny) == ""


def test_what_a_signed_link_permits_is_told_to_nobody(own_hub: FixtureHub) -> None:
    async def ask(cdn: str) -> list[str]:
        own_hub.faults({"path": "*/resolve/*", "redirect_to": f"{cdn}/file?X-Amz-Signature=hush"})
        async with upstream(own_hub.url) as client:
            commit = (await client.describe(MINILM, MAIN)).commit
            said = []
            for _ in range(2):
                with pytest.raises(UpstreamUnavailable) as refused:
                    await client.read(commit, "model.safetensors", 0, 10)
                said.append(refused.value.sentence)
            return said

    for said in answering(b"HTTP/7.7 nonsense \x1b[31m\r\n\r\n")(ask):
        assert "does not speak HTTP as it should" in said
        assert "hush" not in said
        assert said.isprintable()


@pytest.mark.parametrize(
    "place",
    [f"https://{'a' * 64}.example.com/x", "https://exa mple.com/x", "https://\udcff.example.com/", "http://a..b/"],
)
def test_a_redirect_to_what_is_no_address_is_told_in_words(own_hub: FixtureHub, place: str) -> None:
    async def ask(url: str) -> str:
        return await said_of_tiny(url)

    head = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
    said = answering(head.encode("utf-8", "surrogateescape"))(ask)
    assert said.startswith("The Hub")
    assert own_hub.requests() == []


def test_a_question_does_not_wait_behind_files_that_are_on_their_way(own_hub: FixtureHub) -> None:
    own_hub.faults({"origin": "cdn", "bytes_per_s": 200_000})

    async def run() -> str:
        async with upstream(own_hub.url) as client, contextlib.AsyncExitStack() as files:
            commit = (await client.describe(MINILM, MAIN)).commit
            for _ in range(80):
                await files.enter_async_context(client.stream(commit, "model.safetensors"))
            return await asyncio.wait_for(sentence(client), 5)

    assert run_it(run) == ""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_public_hub_does_not_send_the_mirror_into_the_network_not_even_through_a_proxy(
    own_hub: FixtureHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    inner = own_hub.cdn_url.replace("http", scheme)

    async def run() -> None:
        async with upstream("http://hub.example.com") as client:
            commit = (await client.describe(TINY, MAIN)).commit
            with pytest.raises(UpstreamUnavailable, match=r"redirects to '127\.0\.0\.1', which is inside this network"):
                await client.read(commit, "model.safetensors", 0, 10)
            for place in (f"{inner}/x", f"{scheme}://localhost/x", f"{scheme}://169.254.169.254/x", proxy.url):
                own_hub.faults({"path": "/api/models/*", "redirect_to": place})
                assert "which is inside this network" in await sentence(client)

    with ForwardProxy(tmp_path / "proxy.log", {"hub.example.com": own_hub.url}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("https_proxy", proxy.url)
        run_it(run)
        assert {line.split("/")[2] for line in proxy.asked()} == {"hub.example.com"}
    assert own_hub.requests("cdn") == []


def test_passwords_in_a_netrc_are_not_sent_to_anybody(
    own_hub: FixtureHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login me password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def run() -> None:
        token = "hf_fixture_reader_that_accepted_the_terms_1"
        async with upstream(own_hub.url, upstream_token=token) as client:
            commit = (await client.describe(MINILM, MAIN)).commit
            assert len(await client.read(commit, "model.safetensors", 0, 10)) == 10

    run_it(run)
    assert {entry["token"] for entry in own_hub.requests("cdn")} == {""}


def test_a_branch_that_moves_in_the_middle_mixes_no_two_commits() -> None:
    async def run() -> None:
        async with upstream(hub.url) as client:
            old = (await client.describe(TINY, Revision("v1.0"))).commit
            new = (await client.describe(TINY, MAIN)).commit
            assert old != new
            wanted = await client.list_files(new)
            hub.faults({"path": "*/tree/*", "delay_s": 0.2})
            mark = hub.mark()
            listing = asyncio.ensure_future(client.list_files(new))
            while len(await asyncio.to_thread(hub.requests, since=mark)) < 2:
                assert not listing.done()
            hub.move_branch(str(TINY), "main", old.sha)
            assert not listing.done(), "it is in the middle"
            assert await listing == wanted
            files = [one for one in wanted if isinstance(one, RepoFile)]
            assert [len(await client.read(new, one.path, 0, one.size)) for one in files] == [one.size for one in files]

    with FixtureHub("--page-size", "2") as hub:
        run_it(run)
        listings = [entry for entry in hub.requests("hub") if "/tree/" in entry["path"]]
        assert len(listings) >= 4
        assert len({entry["path"] for entry in listings}) == 1, "every page is of one commit"


def test_an_offline_mirror_sends_nothing(own_hub: FixtureHub) -> None:
    async def run() -> None:
        async with upstream(own_hub.url, upstream_mode="offline") as client:
            with pytest.raises(MirrorOffline, match="not in this mirror's cache, and this mirror is offline"):
                await client.describe(TINY, MAIN)

    run_it(run)
    assert asked(own_hub) == 0


def run_it(run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(run())

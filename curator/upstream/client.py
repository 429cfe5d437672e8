"""The real Hub as we see it: what a revision is, what a commit holds, and the bytes of its files."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from curator.errors import MirrorOffline, UpstreamUnavailable
from curator.types import Commit, Directory, RepoFile, RepoId, Revision
from curator.upstream.answers import meaning
from curator.upstream.credentials import Credentials
from curator.upstream.guard import Guard, reason
from curator.upstream.links import MOST_HOPS, OuterResolver, is_inner_host, next_hop, next_link, origin
from curator.upstream.listing import (
    Description,
    Page,
    read_commits,
    read_description,
    read_json,
    read_pulls,
    read_refs,
    read_tree,
)
from curator.upstream.proxies import Proxies
from curator.upstream.refusals import Refusals

CHUNK_BYTES = 1 << 20
_MOST_JSON_BYTES = 256 << 20
MOST_TOLD_BYTES = 32 << 20
"""Of what is asked beside a repository's own listing: a description of some hundred thousand files."""
_MOST_PAGES = 10_000
# Whoever is further behind than some hundred commits is not told how far exactly.
_MOST_COMMIT_PAGES = 4
# One page may be slow, but not so slow that whoever asked is kept for good.
_DOCUMENT_WITHIN_S = 60.0
# A connection that is slower than a modem, over as long as one may be silent, holds its reader up for nothing.
_SLOWEST_BYTES_PER_S = 1024
_LINK_LIFE_S = 60.0
_REDIRECTS = {301, 302, 303, 307, 308}
_EXPIRED = {401, 403, 404, 410}


class Upstream:
    """A client of the Hub that belongs to one event loop; `connect` makes it."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        offline: bool,
        tls: ssl.SSLContext,
        proxies: Proxies,
        credentials: Credentials,
        guard: Guard,
        refusals: Refusals,
    ) -> None:
        self.url = url
        self._offline = offline
        self._credentials = credentials
        self._guard = guard
        self._refusals = refusals
        self._timeout_s = timeout_s
        host = urlsplit(url).hostname or ""
        # A Hub inside this network (a test, a mirror of a mirror) may send us to its neighbours.
        self._inner_allowed = is_inner_host(host)
        self._proxies = proxies
        resolver = None if self._inner_allowed else OuterResolver({host, *proxies.hosts})
        self._session = aiohttp.ClientSession(
            # No limit here: a question that waits for its turn behind large files would wait for as long as they take.
            connector=aiohttp.TCPConnector(limit=0, resolver=resolver, ssl=tls),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeout_s, sock_read=timeout_s),
            headers={"User-Agent": "model-curator/0.1"},
            read_bufsize=CHUNK_BYTES,
        )
        self._links: dict[tuple[Commit, str], tuple[str, float]] = {}

    async def close(self) -> None:
        await self._session.close()

    def is_down(self) -> bool:
        """Whether it is left alone, since it failed too often."""
        return self._guard.is_down(origin(self.url))

    async def describe(
        self, repo: RepoId, revision: Revision, query: str = "", *, most_bytes: int = _MOST_JSON_BYTES
    ) -> Description:
        """What a revision of a repository stands for now; a query asks for more than the usual."""
        url = f"{self.url}/api/{repo.kind.plural}/{repo}/revision/{quote(revision.text, safe='')}"
        url += f"?{query}" if query else ""
        async with self._remembered(repo, revision.text):
            document, _ = await self._json(url, f"{repo}@{revision}", repo, most_bytes)
        return read_description(document, repo.kind)

    async def list_files(self, commit: Commit) -> list[RepoFile | Directory]:
        """Everything that a commit holds, all pages of it."""
        return read_tree(await self._tree(commit, "?recursive=true&expand=false"))

    async def last_changes(self, commit: Commit, folder: str | None) -> dict[str, dict[str, Any]]:
        """For each path in a folder (None: everywhere) the commit that last changed it, as the Hub gives it."""
        start = f"/{quote(folder, safe='')}" if folder else ""
        entries = await self._tree(commit, f"{start}?recursive=true&expand=true")
        return {
            entry["path"]: entry["lastCommit"]
            for entry in entries
            if isinstance(entry, dict)
            and isinstance(entry.get("lastCommit"), dict)
            and isinstance(entry.get("path"), str)
        }

    async def list_commits(self, commit: Commit) -> list[str]:
        """The commits that led to this one, itself first: the first pages of them."""
        url: str | None = f"{self.url}/api/{commit.repo.kind.plural}/{commit.repo}/commits/{commit.sha}"
        shas: list[str] = []
        for _ in range(_MOST_COMMIT_PAGES):
            if url is None:
                break
            page, url = await self._json(url, f"the commits of {commit}", commit.repo)
            shas += read_commits(page)
        return shas

    async def list_refs(self, repo: RepoId) -> dict[str, list[dict[str, str]]]:
        """The branches, conversions and tags of a repository, each with its commit."""
        url = f"{self.url}/api/{repo.kind.plural}/{repo}/refs"
        document, _ = await self._json(url, f"the branches of {repo}", repo)
        return read_refs(document, repo)

    async def list_pulls(self, repo: RepoId) -> frozenset[str]:
        """The commits that the pull requests of a repository stand at; anybody on the Hub can open one."""
        url = f"{self.url}/api/{repo.kind.plural}/{repo}/refs?include_prs=1"
        document, _ = await self._json(url, f"the pull requests of {repo}", repo)
        return read_pulls(document, repo)

    async def page(
        self, path: str, query: str, what: str, repo: RepoId | None, *, most_bytes: int = _MOST_JSON_BYTES
    ) -> Page:
        """One page of a list of the Hub: the history of a repository; or a search, the tags one may filter by."""
        response, final = await self._follow(f"{self.url}{path}{'?' if query else ''}{query}", {}, what, repo)
        total = response.headers.get("X-Total-Count", "")
        document, following = await self._document(response, final, what, repo, most_bytes)
        if not isinstance(document, list | dict):
            raise UpstreamUnavailable(f"The Hub's answer about {what} is neither a list nor an object")
        return Page(document, urlsplit(following).query if following else None, total)

    async def _tree(self, commit: Commit, rest: str) -> list[Any]:
        url: str | None = f"{self.url}/api/{commit.repo.kind.plural}/{commit.repo}/tree/{commit.sha}{rest}"
        entries: list[Any] = []
        for _ in range(_MOST_PAGES):
            if url is None:
                return entries
            async with self._remembered(commit.repo, commit.sha):
                page, url = await self._json(url, str(commit), commit.repo)
            if not isinstance(page, list):
                raise UpstreamUnavailable(f"The Hub's listing of {commit} is not a list")
            entries += page
        raise UpstreamUnavailable(f"The Hub's listing of {commit} has no end")

    async def read(self, commit: Commit, path: str, offset: int, length: int) -> bytes:
        """`length` bytes of a file from `offset`; fewer only at its end."""
        async with self.stream(commit, path, offset, length) as chunks:
            parts = [chunk async for chunk in chunks]
        return b"".join(parts)

    @asynccontextmanager
    async def stream(
        self, commit: Commit, path: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of a file from `offset`, as they arrive; at most `length` of them.

        Raises `UpstreamUnavailable` when they stop coming before the upstream's own announced end.
        """
        end = "" if length is None else str(offset + length - 1)
        headers = {"Accept-Encoding": "identity"}
        if offset or length is not None:
            headers["Range"] = f"bytes={offset}-{end}"
        response = await self._open(commit, path, headers)
        try:
            if "Range" in headers and response.status == 200 and offset:
                raise UpstreamUnavailable(f"The Hub does not serve parts of {path} in {commit}")
            if response.status == 206:
                _check_range(response.headers.get("Content-Range", ""), offset, path, commit)
            yield _chunks(response, length, f"{path} in {commit}", self._timeout_s)
        finally:
            response.close()

    async def _open(self, commit: Commit, path: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        known, since = self._links.get((commit, path), (None, 0.0))
        if known is not None and time.monotonic() - since < _LINK_LIFE_S:
            try:
                response = await self._request(known, headers, f"{path} in {commit}", commit.repo)
            except UpstreamUnavailable:
                # The next try is to be led to another place, if there is one.
                self._links.pop((commit, path), None)
                raise
            if response.status not in _EXPIRED and response.status not in _REDIRECTS:
                return _checked(response, f"{path} in {commit}", commit.repo, commit)
            response.release()
        self._links.pop((commit, path), None)
        url = f"{self.url}/{commit.repo.kind.url_prefix}{commit.repo}/resolve/{commit.sha}/{quote(path)}"
        response, final = await self._follow(url, headers, f"{path} in {commit}", commit.repo)
        if len(self._links) > 1_000:
            self._links.clear()
        self._links[commit, path] = (final, time.monotonic())
        return _checked(response, f"{path} in {commit}", commit.repo, commit)

    async def _follow(
        self, url: str, headers: Mapping[str, str], what: str, repo: RepoId | None
    ) -> tuple[aiohttp.ClientResponse, str]:
        for _ in range(MOST_HOPS):
            response = await self._request(url, headers, what, repo)
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or location is None:
                return response, url
            response.release()
            url = self._next_hop(url, location)
        raise UpstreamUnavailable(f"The Hub redirects more than {MOST_HOPS} times for {what}")

    async def _request(
        self, url: str, headers: Mapping[str, str], what: str, repo: RepoId | None
    ) -> aiohttp.ClientResponse:
        if self._offline:
            raise MirrorOffline(what)
        sent = dict(headers)
        # The token is for the upstream alone: a CDN's link carries its own permission.
        if origin(url) == origin(self.url):
            credential = await self._credentials.of(repo)
            if credential.token is not None:
                sent["Authorization"] = f"Bearer {credential.token}"

        def send() -> Awaitable[aiohttp.ClientResponse]:
            return self._session.get(_as_is(url), headers=sent, proxy=self._proxies.of(url), allow_redirects=False)

        return await self._guard.ask(origin(url), url.partition("?")[0], what, send)

    @asynccontextmanager
    async def _remembered(self, repo: RepoId, revision: str) -> AsyncIterator[None]:
        """Do not ask again what was just refused, unless with another token."""
        credential = await self._credentials.of(repo)
        async with self._refusals.remembering(repo, revision, credential.name):
            yield

    async def _json(
        self, url: str, what: str, repo: RepoId, most_bytes: int = _MOST_JSON_BYTES
    ) -> tuple[Any, str | None]:
        """A document, and the address of the next page if there is one."""
        response, final = await self._follow(url, {}, what, repo)
        return await self._document(response, final, what, repo, most_bytes)

    async def _document(
        self, response: aiohttp.ClientResponse, final: str, what: str, repo: RepoId | None, most_bytes: int
    ) -> tuple[Any, str | None]:
        try:
            _checked(response, what, repo, None)
            async with asyncio.timeout(_DOCUMENT_WITHIN_S):
                body = await _body(response, what, self._timeout_s, most_bytes)
            document = await asyncio.to_thread(read_json, body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise UpstreamUnavailable(f"The Hub's answer about {what} cannot be read: {reason(error)}") from error
        finally:
            response.close()
        following = next_link(response.headers.getall("Link", []))
        return document, self._next_page(final, following) if following else None

    def _next_page(self, url: str, following: str) -> str:
        target = self._next_hop(url, following)
        if origin(target) != origin(self.url):
            raise UpstreamUnavailable("The Hub's listing goes on at another host")
        return target

    def _next_hop(self, url: str, location: str) -> str:
        return next_hop(url, location, inner_allowed=self._inner_allowed, closed=self._proxies.hosts)


def _checked(
    response: aiohttp.ClientResponse, what: str, repo: RepoId | None, commit: Commit | None
) -> aiohttp.ClientResponse:
    if response.status in {200, 206}:
        return response
    response.close()
    raise meaning(response.status, response.headers, what, repo, commit)


async def _body(response: aiohttp.ClientResponse, what: str, window_s: float, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in _chunks(response, None, f"what it says of {what}", window_s):
        body += chunk
        if len(body) > most_bytes:
            raise UpstreamUnavailable(f"The Hub's answer about {what} is longer than {most_bytes >> 20} MB")
    return bytes(body)


async def _chunks(
    response: aiohttp.ClientResponse, length: int | None, what: str, window_s: float
) -> AsyncIterator[bytes]:
    left = length
    waited_s, arrived = 0.0, 0
    try:
        while True:
            began = time.monotonic()
            # One buffer as it was received: to read so many bytes would be to copy several into one.
            chunk, more = await response.content.readchunk()
            waited_s, arrived = waited_s + time.monotonic() - began, arrived + len(chunk)
            if not chunk and not more:
                return
            if waited_s >= window_s:
                if arrived < window_s * _SLOWEST_BYTES_PER_S:
                    raise UpstreamUnavailable(f"The Hub sends {what} too slowly: {arrived} bytes in {waited_s:.0f} s")
                waited_s, arrived = 0.0, 0
            if not chunk:
                # The mark at the end of a chunk of the transfer coding came alone; it is not the end of the body.
                continue
            if left is None:
                yield chunk
                continue
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise UpstreamUnavailable(f"The Hub broke off in the middle of {what}: {reason(error)}") from error


def _check_range(content_range: str, offset: int, path: str, commit: Commit) -> None:
    if not content_range.startswith(f"bytes {offset}-"):
        raise UpstreamUnavailable(f"The Hub sent another part of {path} in {commit} than the one asked for")


def _as_is(url: str) -> Any:
    """The address, encoded just as it is: a signed link does not survive being encoded anew."""
    from yarl import URL

    return URL(url, encoded=True)

"""Where the upstream may send us: its redirects are followed by hand, so that no `Location` opens an inner door."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from curator.errors import UpstreamUnavailable

MOST_HOPS = 5
_LINK = re.compile(r"<([^<>]*)>((?:\s*;[^<>]*)?)")
_NEXT = re.compile(r';\s*rel\s*=\s*(?:next\b|"(?:[^"]*\s)?next(?:\s[^"]*)?")', re.IGNORECASE)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port (RFC 6454 section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def is_inner_host(host: str) -> bool:
    """Whether the name is an address that is not on the public internet; other names are told when they resolve."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def next_hop(url: str, location: str, *, inner_allowed: bool) -> str:
    """The address a redirect leads to. Raises `UpstreamUnavailable` for one that must not be followed."""
    target = urljoin(url, location)
    scheme, host, _ = origin(target)
    if scheme not in {"http", "https"} or not host:
        raise UpstreamUnavailable("The Hub redirects to something that is not a web address")
    if urlsplit(url).scheme == "https" and scheme != "https":
        raise UpstreamUnavailable(f"The Hub redirects from https to plain http, at {host}")
    if is_inner_host(host) and not inner_allowed:
        raise UpstreamUnavailable(f"The Hub redirects to {host}, which is inside this network")
    return target


def next_link(headers: Iterable[str]) -> str | None:
    """The address of the next page, byte for byte as a `Link` header has it (RFC 8288); None if there is none.

    aiohttp's own reading decodes and encodes it anew, and a cursor is nobody's business but the upstream's.
    """
    for header in headers:
        for address, parameters in _LINK.findall(header):
            if _NEXT.search(parameters):
                return str(address)
    return None


class OuterResolver(AbstractResolver):
    """Resolves names, and forgets addresses that are not on the public internet, save for the upstream's own name."""

    def __init__(self, upstream_host: str) -> None:
        self._upstream_host = upstream_host
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if host == self._upstream_host:
            return found
        outer = [result for result in found if not is_inner_host(result["host"])]
        if found and not outer:
            raise OSError(f"{host} is inside this network")
        return outer

    async def close(self) -> None:
        await self._resolver.close()

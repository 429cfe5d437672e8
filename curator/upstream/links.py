"""Where the upstream may send us: its redirects are followed by hand, so that no `Location` opens an inner door."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection, Iterable
from urllib.parse import urljoin, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from curator.errors import UpstreamUnavailable

MOST_HOPS = 5
_LINK = re.compile(r"<([^<>]*)>((?:\s*;[^<>]*)?)")
_NEXT = re.compile(r';\s*rel\s*=\s*(?:next\b|"(?:[^"]*\s)?next(?:\s[^"]*)?")', re.IGNORECASE)
# Names that the public internet never has: RFC 6761, RFC 6762, and ICANN's resolution of 2024-07-29.
_INNER_ENDS = {"localhost", "local", "internal"}
# Prefixes of addresses whose last 32 bits are another one: NAT64, and the old "IPv4-compatible" (RFC 4291 2.5.5.1).
_CARRIERS = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
"""For use inside a network (RFC 8215); not every Python that we support knows it."""


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port (RFC 6454 section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def is_inner_host(host: str) -> bool:
    """Whether the name is an address that is not on the public internet, or one that only an inner network knows.

    Other names are told when they resolve; behind a proxy, which resolves them, this is all that can be told.
    """
    host = host.rstrip(".").lower()
    try:
        return _is_inner(ipaddress.ip_address(host))
    except ValueError:
        # `127.1` and `0x7f.1` are addresses to a resolver (inet_aton(3)), and no name ends in a number.
        last = host.rpartition(".")[2]
        return (
            "." not in host
            or last in _INNER_ENDS
            or last.isdigit()
            or last.startswith("0x")
            or host.endswith(".home.arpa")
        )


def next_hop(url: str, location: str, *, inner_allowed: bool, closed: Collection[str] = ()) -> str:
    """The address a redirect leads to. Raises `UpstreamUnavailable` for one that must not be followed.

    `closed` are hosts that may be connected to for another reason, and that no redirect may name.
    """
    try:
        target = urljoin(url, location)
        scheme, host, _ = origin(target)
    except ValueError:
        raise UpstreamUnavailable("The Hub redirects to something that is not a web address") from None
    if scheme not in {"http", "https"} or not host:
        raise UpstreamUnavailable("The Hub redirects to something that is not a web address")
    if urlsplit(url).scheme == "https" and scheme != "https":
        raise UpstreamUnavailable(f"The Hub redirects from https to plain http, at {host!a}")
    if (is_inner_host(host) or host.rstrip(".") in closed) and not inner_allowed:
        raise UpstreamUnavailable(f"The Hub redirects to {host!a}, which is inside this network")
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
    """Resolves names, and forgets addresses that are not on the public internet, save for names that are known to be
    inside: the upstream's own, and the proxies'."""

    def __init__(self, known: Collection[str], resolver: AbstractResolver | None = None) -> None:
        self._known = known
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if host.lower() in self._known:
            return found
        outer = [result for result in found if not is_inner_host(result["host"])]
        if found and not outer:
            raise OSError(f"{host} is inside this network")
        return outer

    async def close(self) -> None:
        await self._resolver.close()


def _is_inner(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Also of addresses that carry another one: mapped, 6to4, and NAT64 (RFC 6052 section 2.1)."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if any(address in carrier for carrier in _CARRIERS):
            carried = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if carried is not None:
            return _is_inner(carried)
        if address in _LOCAL_NAT64 or address.is_site_local:
            return True
    return not address.is_global or address.is_multicast

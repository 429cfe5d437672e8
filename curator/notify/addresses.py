"""Where a webhook may lead: to the public internet in https, and inside the company only where settings name it.

A name is resolved once and every address of it is looked at; what is connected to is an address that was looked at, so
that a name which means something else a moment later (DNS rebinding) opens no inner door.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from curator.errors import BadInput
from curator.upstream.links import is_inner_host

_LONGEST_URL = 2_000
_KNOWN_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1_024


class Forbidden(BadInput):
    """An address that notices are not sent to."""

    status = 422


@dataclass(frozen=True, slots=True)
class Allowed:
    """What of the inner network webhooks may be sent to (`webhook_allow`)."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Allowed:
        places = [part.strip().lower().rstrip(".") for part in text.split(",") if part.strip()]
        networks = tuple(ipaddress.ip_network(place, strict=False) for place in places if _is_network(place))
        return cls(frozenset(place for place in places if not _is_network(place)), networks)

    def has(self, address: str) -> bool:
        try:
            plain = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(plain.version == network.version and plain in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Place:
    """A checked address of a webhook."""

    https: bool
    host: str
    port: int
    target: str
    """Path and query, as they stand in a request's first line."""

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.https else 80) else f"{host}:{self.port}"


def read_place(url: str, allowed: Allowed) -> Place:
    """What can be told before a name is resolved. Raises `Forbidden`."""
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Forbidden(f"The address of a webhook is up to {_LONGEST_URL} printable ASCII letters without a blank")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        raise Forbidden(f"{url[:80]!a} is not a web address: write it as https://host/path") from None
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise Forbidden(f"{url[:80]!a} is not a web address: write it as https://host/path")
    if parts.username is not None or parts.fragment:
        raise Forbidden("The address of a webhook has no user, password or #fragment: use its path or query")
    https = parts.scheme == "https"
    port = port or (443 if https else 80)
    named = host in allowed.hosts
    if not named and not allowed.networks:
        _check_outer(host, https=https)
    if not named and port < _FIRST_FREE_PORT and port not in _KNOWN_PORTS:
        raise Forbidden(f"Port {port} is not one of the web: use 443, or one from {_FIRST_FREE_PORT} on")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(https, host, port, target)


def resolve(place: Place, allowed: Allowed) -> list[str]:
    """The addresses that may be connected to, each of them looked at. Raises `Forbidden`, and `OSError` where there
    are none. One that is forbidden forbids them all: a receiver on the internet has no address in here."""
    found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if place.host in allowed.hosts:
        return addresses
    inner = [address for address in addresses if is_inner_host(address)]
    strange = next((address for address in inner if not allowed.has(address)), None)
    if strange is not None:
        raise Forbidden(
            f"{place.host} is at {strange}, inside this network, where notices are not sent: an administrator may "
            "name it in CURATOR_WEBHOOK_ALLOW"
        )
    if not place.https and not all(allowed.has(address) for address in addresses):
        raise Forbidden(f"Notices are sent to {place.host} in https only: write the address as https://...")
    return addresses


def _check_outer(host: str, *, https: bool) -> None:
    if is_inner_host(host):
        raise Forbidden(
            f"{host} is inside this network, where notices are not sent: an administrator may name it in "
            "CURATOR_WEBHOOK_ALLOW"
        )
    if not https:
        raise Forbidden(f"Notices are sent to {host} in https only: write the address as https://...")


def _is_network(place: str) -> bool:
    if "/" in place:
        return True
    try:
        ipaddress.ip_address(place)
    except ValueError:
        return False
    return True

"""The company's proxies, as the environment names them: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.

Read here, because what aiohttp reads with them (`trust_env`) are also passwords in `~/.netrc`, which it would send to
any host that is redirected to.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from curator.errors import BadSettings

_SCHEMES = ("http", "https")


class Proxies:
    """Raises `BadSettings` for a proxy that cannot be used."""

    def __init__(self) -> None:
        named = getproxies()
        found = {scheme: named.get(scheme) or named.get("all") for scheme in _SCHEMES}
        self._urls = {scheme: _read(value) for scheme, value in found.items() if value}
        self.hosts = frozenset(host for url in self._urls.values() if (host := urlsplit(url).hostname))

    def of(self, url: str) -> str | None:
        """The proxy that a request goes through; None if it goes straight."""
        parts = urlsplit(url)
        return None if proxy_bypass(parts.netloc) else self._urls.get(parts.scheme)


def _read(value: str) -> str:
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        # Without the address: it may have a password in it.
        raise BadSettings(
            "HTTPS_PROXY, HTTP_PROXY: a proxy is written as http://host:port, and no other kind can be used"
        )
    return url

"""No `Location` of the upstream opens a door inside."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from curator.errors import BadSettings, UpstreamUnavailable
from curator.upstream.links import OuterResolver, next_hop
from curator.upstream.proxies import Proxies

HUB = "https://huggingface.co/api/models/a/b"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "[::1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "[64:ff9b:1::1]",
        "[ff0e::1]",
        "224.0.0.1",
        "localhost",
        "LOCALHOST.",
        "db.localhost",
        "vault",
        "printer.local",
        "metadata.google.internal",
        "nas.home.arpa",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.0x1",
        "017700000001",
    ],
)
def test_a_redirect_into_the_network_is_refused(host: str) -> None:
    with pytest.raises(UpstreamUnavailable, match="which is inside this network"):
        next_hop(HUB, f"https://{host}/latest/meta-data", inner_allowed=False)


@pytest.mark.parametrize("host", ["cdn-lfs.hf.co", "cas-bridge.xethub.hf.co", "8.8.8.8", "[2606:4700::1]", "local.dev"])
def test_a_redirect_to_the_internet_is_followed(host: str) -> None:
    assert next_hop(HUB, f"https://{host}/x?y=%2F", inner_allowed=False) == f"https://{host}/x?y=%2F"


@pytest.mark.parametrize(
    "location", ["http://cdn.example.com/x", "ftp://cdn.example.com/x", "mailto:a@b", "https://[::1", "https://a:b/"]
)
def test_a_redirect_that_is_worse_than_what_it_comes_from_is_refused(location: str) -> None:
    with pytest.raises(UpstreamUnavailable, match="redirects"):
        next_hop(HUB, location, inner_allowed=False)


def test_a_redirect_never_names_the_companys_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example.com:3128")
    monkeypatch.setenv("http_proxy", "10.0.0.9:3128")
    monkeypatch.setenv("no_proxy", "direct.example.com,.corp.example.com")
    proxies = Proxies()
    assert proxies.hosts == {"proxy.example.com", "10.0.0.9"}
    assert proxies.of(HUB) == "http://user:secret@proxy.example.com:3128"
    assert proxies.of("http://hub.example.com:81/") == "http://10.0.0.9:3128"
    assert proxies.of("https://direct.example.com/") is proxies.of("https://hub.corp.example.com:8443/") is None
    with pytest.raises(UpstreamUnavailable, match="inside this network"):
        next_hop(HUB, "https://proxy.example.com/admin", inner_allowed=False, closed=proxies.hosts)
    with pytest.raises(UpstreamUnavailable, match="inside this network"):
        next_hop(HUB, "https://PROXY.example.com./admin", inner_allowed=False, closed=proxies.hosts)


@pytest.mark.parametrize("value", ["socks5://user:secret@proxy:1080", "http://", "http://user:secret@proxy:port"])
def test_a_proxy_that_cannot_be_used_is_one_sentence_without_its_password(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("https_proxy", value)
    with pytest.raises(BadSettings, match="a proxy is written as http://host:port") as refused:
        Proxies()
    assert "secret" not in refused.value.sentence


class Inside(AbstractResolver):
    """A network whose names all have these addresses."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0) for one in self.addresses
        ]

    async def close(self) -> None: ...


def resolved(host: str, known: set[str], addresses: list[str] | None = None) -> list[str]:
    async def resolve() -> list[str]:
        resolver = OuterResolver(known, Inside(addresses) if addresses else None)
        return [one["host"] for one in await resolver.resolve(host, 443, socket.AF_INET)]

    return asyncio.run(resolve())


def test_a_public_name_with_an_inner_address_is_not_connected_to() -> None:
    with pytest.raises(OSError, match=r"evil\.example\.com is inside this network"):
        resolved("evil.example.com", {"huggingface.co"}, ["10.0.0.7"])


def test_of_several_addresses_only_the_outer_ones_are_tried() -> None:
    assert resolved("mixed.example.com", set(), ["10.0.0.7", "8.8.8.8", "::1"]) == ["8.8.8.8"]


def test_the_proxy_and_the_upstream_itself_may_be_inside() -> None:
    known = {"huggingface.co", "proxy.corp"}
    assert resolved("HuggingFace.co", known, ["10.0.0.7"]) == ["10.0.0.7"]
    assert (
        resolved("proxy.corp", known, ["10.0.0.7"]) == resolved("huggingface.co", known, ["10.0.0.7"]) == ["10.0.0.7"]
    )


def test_this_machine_is_inside_by_the_real_resolver() -> None:
    with pytest.raises(OSError, match="inside this network"):
        resolved("localhost", set())

"""However an address inside the network is written, no notice goes there."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from curator.notify.addresses import Allowed, Forbidden, read_place, resolve

INNER = (
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "x.localhost",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.169.254.",
    "metadata.google.internal",
    "metadata",
    "printer.local",
    "198.18.0.1",
    "192.0.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "127。0。0。1",
    "①②⑦.0.0.1",
)
STRANGE = (
    "gopher://example.com/",
    "file:///etc/passwd",
    "ftp://example.com/",
    "https://user@example.com/",
    "https://user:word@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com/#@127.0.0.1",
    "https://example.com:25/",
    "https://example.com:22/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com/\r\nHost: inner",
    "https://exa\tmple.com/",
    "http://example.com/",
    "//example.com/",
    "https:///path",
    "https://[::1/",
    "https://example.com/" + "a" * 2_000,
)


@pytest.mark.parametrize("host", INNER)
def test_an_address_in_here_is_none_for_a_webhook(host: str) -> None:
    for scheme in ("https", "http"):
        with pytest.raises(Forbidden):
            resolve(read_place(f"{scheme}://{host}/hook", Allowed()), Allowed())


@pytest.mark.parametrize("host", INNER)
def test_nor_is_it_where_another_part_of_the_network_is_allowed(host: str) -> None:
    allowed = Allowed.parse("10.20.0.0/16, receiver.example")
    with pytest.raises((Forbidden, OSError)):
        resolve(read_place(f"https://{host}/hook", allowed), allowed)


@pytest.mark.parametrize("url", STRANGE)
def test_what_is_no_plain_address_of_the_web_is_none(url: str) -> None:
    with pytest.raises(Forbidden):
        read_place(url, Allowed())


@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_a_name_that_has_one_address_outside_and_one_in_here_has_none(
    monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    def found(*_: Any, **__: Any) -> list[Any]:
        family = socket.AF_INET6 if ":" in inner else socket.AF_INET
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443)),
            (family, socket.SOCK_STREAM, 6, "", (inner, 443)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with pytest.raises(Forbidden, match="inside this network"):
        resolve(read_place("https://rebinds.example/", Allowed()), Allowed())

"""Addresses of servers, as settings name them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def web_address(value: str) -> str:
    """The same without a slash at its end. Raises `ValueError`."""
    url = urlsplit(value)
    if (
        url.scheme not in {"http", "https"}
        or not url.hostname
        or url.port == 0
        or url.query
        or url.fragment
        or url.username
    ):
        raise ValueError("write it as https://host or http://host:port, without a query, fragment or password")
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(web_address)]

"""A digest of the beginning of a vocabulary, by which two tokenizers can be compared across file formats.

The first tokens say it all: tokenizers that were trained apart differ there, and those that only got some tokens more
do not.
"""

from __future__ import annotations

import json
import re

# What hashlib gives out as its own; hashlib itself takes milliseconds to load, for OpenSSL.
from _blake2 import blake2b
from collections.abc import Sequence

FIRST_TOKENS = 4096
LONGEST_TOKEN = 1000
_MODEL = re.compile(rb'"model"\s*:\s*\{')
_VOCABULARY = re.compile(rb'"vocab"\s*:\s*([{\[])')
_NUMBERED = re.compile(rb'\s*"((?:[^"\\]|\\.)*)"\s*:\s*(\d{1,9})\s*,?')
_SCORED = re.compile(rb'\s*\[\s*"((?:[^"\\]|\\.)*)"\s*,\s*[-+.\deE]{1,40}\s*\]\s*,?')
"""Pairs of a token and its score, in the order of their numbers."""


def digest(tokens: Sequence[bytes]) -> str:
    """Of the first tokens, in the order of their numbers; fewer are a vocabulary of its own. Hex digits."""
    hashed = blake2b(digest_size=16)
    for token in tokens[:FIRST_TOKENS]:
        hashed.update(len(token).to_bytes(4, "big") + token)
    return hashed.hexdigest()


def of_tokenizer_json(beginning: bytes) -> str | None:
    """The digest, from the first part of a `tokenizer.json`; None where it cannot be read there."""
    model = _MODEL.search(beginning)
    found = _VOCABULARY.search(beginning, model.end()) if model else None
    if found is None:
        return None
    tokens = _numbered(beginning, found.end()) if found[1] == b"{" else _scored(beginning, found.end())
    return digest(tokens) if tokens else None


def _numbered(data: bytes, position: int) -> list[bytes]:
    """Tokens with their numbers, which mostly but not always stand in order; none if the first ones have gaps."""
    by_number: dict[int, bytes] = {}
    seen = 0
    while len(by_number) < FIRST_TOKENS and (pair := _NUMBERED.match(data, position)) is not None:
        number, position = int(pair[2]), pair.end()
        seen += 1
        if number < FIRST_TOKENS:
            by_number.setdefault(number, _unescaped(pair[1]))
    ends = data[position : position + 9].strip()[:1] == b"}"
    is_whole = len(by_number) == FIRST_TOKENS or (ends and len(by_number) == seen)
    first = [by_number[number] for number in sorted(by_number)]
    return first if is_whole and max(by_number, default=0) == len(first) - 1 else []


def _scored(data: bytes, position: int) -> list[bytes]:
    tokens: list[bytes] = []
    while len(tokens) < FIRST_TOKENS and (pair := _SCORED.match(data, position)) is not None:
        tokens.append(_unescaped(pair[1]))
        position = pair.end()
    is_whole = len(tokens) == FIRST_TOKENS or data[position : position + 9].strip()[:1] == b"]"
    return tokens if is_whole else []


def _unescaped(token: bytes) -> bytes:
    token = token[:LONGEST_TOKEN]
    if b"\\" not in token:
        return token
    try:
        return str(json.loads(b'"' + token + b'"')).encode("utf-8", "surrogatepass")
    except ValueError:
        return token

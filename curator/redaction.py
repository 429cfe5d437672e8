"""Secrets that somebody has put where none belongs: into an address, a name, a reason, a header.

They are taken out of whatever is kept or told: lines of the log, rows of the record, sentences of errors. What looks
like one is told by its form alone, so that nothing has to be looked up; a name that is taken for one is the price.
"""

from __future__ import annotations

import re

HIDDEN = "[secret hidden]"
_MARKS = ("hf_", "hf%5f", "api_", "eyj", "whsec_", "bearer", "basic", "=", "://")
"""Whatever has none of these, in small letters, has no secret: most texts are told by that."""
_UNDERSCORE = r"(?:_|%5[Ff])"
_TOKEN = (
    rf"(?<![A-Za-z0-9])(?:hf{_UNDERSCORE}(?:(?:oauth|jwt|app|org){_UNDERSCORE})?|api(?:_org)?_)"
    # Files and commits are called after hashes, and a token is none.
    r"(?![0-9a-f]+(?![A-Za-z0-9]))[A-Za-z0-9]{33,}"
)
_SECRET = re.compile(
    # The Hub's tokens, and ours.
    rf"{_TOKEN}"
    # JSON Web Tokens, such as the identity tokens of people and pipelines.
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)*"
    # Secrets of webhooks.
    r"|whsec_[A-Za-z0-9+/=_-]{16,}"
    # Headers, quoted where they do not belong.
    r"|(?i:(?<=bearer )|(?<=bearer: )|(?<=basic )|(?<=bearer%20))(?=[\w.~+/%-]*[0-9A-Z=])[\w.~+/%-]{12,}=*"
    # The name and password of an address, and the signature or token in its query.
    r"|(?<=://)[^\s/@:\"']*:[^\s/@\"']+(?=@)"
    r"|(?i:(?<=token=)|(?<=secret=)|(?<=password=)|(?<=signature=)|(?<=api_key=)|(?<=apikey=)|(?<=assertion=))"
    r"[^\s&\"'#]{8,}",
    re.ASCII,
)
_WHOLE = re.compile(_TOKEN, re.ASCII)


def without_secrets(text: str) -> str:
    """The same text, with a word in the place of each secret."""
    small = text.lower()
    return _SECRET.sub(HIDDEN, text) if any(mark in small for mark in _MARKS) else text


def has_token(text: str) -> bool:
    """Whether a whole token, ours or the Hub's, stands in a text where somebody means a name."""
    return _WHOLE.search(text) is not None

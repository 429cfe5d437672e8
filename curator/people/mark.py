"""How a token of this mirror is told from one of the Hub, without looking anything up."""

from __future__ import annotations

MARK = "hf_cur"
"""What ours begin with. llama.cpp sends a token only if it matches hf_[A-Za-z0-9]{34,} (hub-api section 4)."""


def looks_like_ours(token: str) -> bool:
    return token.startswith(MARK)

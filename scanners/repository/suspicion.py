"""Name, owner and copy taken together: how surely a repository passes itself off as another's.

Each sign closes a part of what is left between the name's own score and 1, so signs add up and none counts for more
than is left to say. A good standing then takes away a part of the whole. All weights are in this module:

| sign | closes |
|---|---|
| the owner's account is new | 35 % up to a week, falling to 0 at a year |
| the owner is not a verified organisation | 10 % |
| nobody follows the owner | 5 % |
| the card is that of the one imitated (from a similarity of 0.7 on) | up to 70 %, or 35 % with the parent named |
| the weights are the very same | 15 %, or 5 % with the parent named |
| tensors and tokenizer have the same shape | 5 %, or nothing with the parent named |
| the name is not with whom it was when approved | 80 % |

| standing | takes away |
|---|---|
| the owner is on the list of known publishers | 70 % |
| a verified organisation | 50 % |
| an account of two years or more with 1,000 followers or more | 30 % |
| an account of a year or more with 100 followers or more | 15 % |

A sign on its own, without a name or a card like somebody's, says nothing: new accounts are no crime. Popularity of the
repository is left out on purpose: downloads and likes are bought. What is unknown counts neither way.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from scanners.repository.names import Lookalike
from scanners.repository.owners import Change, Owner

FIRST_SIMILARITY = 0.7
"""Below it, two cards are taken for two cards."""
_WEEK, _YEAR = 7.0, 365.0
_MOST = 0.99


@dataclass(frozen=True, slots=True)
class Copied:
    """What a repository has of one of another owner."""

    card_of: str = ""
    card_similarity: float = 0.0
    weights_of: tuple[str, ...] = ()
    shape_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Whom a repository passes itself off as, how surely (0 to 1), and why; all empty where nothing is alike."""

    of: str = ""
    score: float = 0.0
    why: str = ""


def suspicion(
    lookalike: Lookalike | None,
    owner: Owner | None = None,
    copied: Copied | None = None,
    *,
    observed_at: dt.datetime,
    known_publisher: bool = False,
    names_its_parent: bool = False,
    change: Change | None = None,
) -> Suspicion:
    """All that is known of a name put into one score and one line.

    `names_its_parent`: the card declares whom the repository was made from, as honest copies do. The score never falls
    with a stronger sign, and never rises with a better standing.
    """
    copied = copied or Copied()
    card = min(max((copied.card_similarity - FIRST_SIMILARITY) / (1 - FIRST_SIMILARITY), 0.0), 1.0)
    card = card if copied.card_of else 0.0
    of = _whom(lookalike, copied.card_of if card else "")
    if not of:
        return Suspicion()
    signs = [lookalike.why] if lookalike else []
    left = 1.0 - (lookalike.score if lookalike else 0.0)
    left *= _of_owner(owner, observed_at, signs)
    if card:
        left *= 1 - (0.35 if names_its_parent else 0.7) * card
        signs.append("same card" if copied.card_similarity >= 0.95 else f"{copied.card_similarity:.0%} the same card")
    if copied.weights_of:
        left *= 0.95 if names_its_parent else 0.85
        signs.append("same weights")
    elif copied.shape_of and not names_its_parent:
        left *= 0.95
        signs.append("same tensors and tokenizer")
    if change is not None:
        left *= 0.2
        signs.append(change.why)
    standing = _standing(owner, observed_at, known_publisher, signs)
    return Suspicion(of, round(min(_MOST, (1.0 - left) * standing), 2), ", ".join(signs))


def _whom(lookalike: Lookalike | None, card_of: str) -> str:
    """The repository rather than its owner, where the card says which one; else whom the name is like."""
    if lookalike is None:
        return card_of
    if card_of.casefold().startswith(f"{lookalike.of.casefold()}/"):
        return card_of
    return lookalike.of


def _of_owner(owner: Owner | None, observed_at: dt.datetime, signs: list[str]) -> float:
    """What the owner's account leaves open, from 0 to 1."""
    left = 1.0
    days = _age_days(owner, observed_at)
    if days is not None and days < _YEAR:
        left *= 1 - 0.35 * min(1.0, (_YEAR - days) / (_YEAR - _WEEK))
        signs.append(f"account created {_ago(days)}")
    if owner is None or owner.kind == "unknown":
        return left
    if not owner.verified:
        left *= 0.9
        signs.append("unverified")
    if owner.followers == 0:
        left *= 0.95
    return left


def _standing(owner: Owner | None, observed_at: dt.datetime, known_publisher: bool, signs: list[str]) -> float:
    """What a good name leaves of the suspicion, from 0 to 1."""
    share = 1.0
    if known_publisher:
        share *= 0.3
        signs.append("but the owner is a known publisher")
    if owner is None:
        return share
    if owner.verified:
        share *= 0.5
        signs.append("but the Hub has verified the organisation")
    days = _age_days(owner, observed_at)
    if days is not None and days >= 2 * _YEAR and owner.followers >= 1000:
        share *= 0.7
        signs.append(f"but it has {owner.followers:,} followers and an account created {_ago(days)}")
    elif days is not None and days >= _YEAR and owner.followers >= 100:
        share *= 0.85
    return share


def _age_days(owner: Owner | None, observed_at: dt.datetime) -> float | None:
    if owner is None or owner.created_at is None:
        return None
    return max((observed_at - owner.created_at).total_seconds() / 86_400, 0.0)


def _ago(days: float) -> str:
    if days < 1:
        return "today"
    for size, name in ((365, "year"), (30, "month"), (1, "day")):
        if days >= size:
            number = int(days // size)
            return f"{number} {name}{'' if number == 1 else 's'} ago"
    return "today"

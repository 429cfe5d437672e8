"""How a request stands, and what may happen to it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Of a request."""

    OPEN = "open"
    ASKED_BACK = "asked-back"
    """A reviewer wants to know something of whoever asks."""
    SECOND = "second"
    """One reviewer has approved it, and another must agree."""
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"
    """It is allowed by now, or what the branch has moved on to is, without an answer."""
    EXPIRED = "expired"
    """The day until when it was wanted is over."""


STILL_OPEN = (State.OPEN, State.ASKED_BACK, State.SECOND)


class Step(StrEnum):
    """What happened to a request."""

    ASK = "ask"
    JOIN = "join"
    REPLY = "reply"
    WITHDRAW = "withdraw"
    QUESTION = "question"
    SECOND = "second"
    APPROVE = "approve"
    APPROVE_IN_PART = "approve-in-part"
    """Something else stands against it all the same."""
    REJECT = "reject"
    BLOCK = "block"
    OVERTAKE = "overtake"
    EXPIRE = "expire"

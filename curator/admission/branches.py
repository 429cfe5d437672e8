"""What a branch is told to be, apart from where that is kept: pure.

A branch moves while a client reads it: transformers lists `main` anew in between and takes its files at the commit of
the first answer. So each caller is told of one commit for a while, counted from the first answer and never longer: his
session.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from curator.types import Commit

MOST_OLDER = 20
"""Commits that are looked at for the newest approved one: who is further behind wants a person to look."""
_SHOWN_DIGITS = 12

# What huggingface_hub says of itself in every request; libraries above it add what they are about to load.
_OF_THE_HUB_CLIENT = ("hf_hub/", "python/")

Answer = TypeVar("Answer")

Asker = tuple[str | None, str]
"""A token or an address, and a program."""


@dataclass(frozen=True, slots=True)
class Behind:
    """That a branch is given at another commit than the upstream's, and why."""

    revision: str
    upstream: Commit
    commits: int
    """How many commits the upstream is ahead; as seen from here, where its own list does not tell."""
    outcome: str
    """What keeps the upstream's commit from being given: `block`, `hold`, or `pin`."""
    why: str
    """The same in words that follow the name of the upstream's commit."""
    rules: tuple[str, ...] = ()
    decision: str | None = None

    def sentence(self, served: Commit) -> str:
        """What a developer is told."""
        ahead = "1 commit" if self.commits == 1 else f"{self.commits} commits"
        return (
            f"{self.revision} of {served.repo} is given at {served.sha[:_SHOWN_DIGITS]}, {ahead} behind the upstream: "
            f"{self.upstream.sha[:_SHOWN_DIGITS]} {self.why.rstrip('.')}"
        )

    @property
    def topic(self) -> str:
        """Clients print a warning once per topic: anew when the upstream has moved on."""
        return f"behind-{self.upstream.sha[:_SHOWN_DIGITS]}"


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller is told that a branch stands for."""

    snapshot_id: int
    behind: Behind | None


class FirstAnswers(Generic[Answer]):
    """The first answer to each question, for a fixed time from then on; at most so many, of which the oldest go.

    Whose `now_s` it is, is the caller's business; it must not go back.
    """

    def __init__(self, lasts_s: float, most: int = 10_000) -> None:
        self._lasts_s = lasts_s
        self._most = most
        self._kept: dict[Hashable, tuple[float, Answer]] = {}

    def get(self, question: Hashable, now_s: float) -> Answer | None:
        """What was answered; None if nothing, or not any more."""
        found = self._kept.get(question)
        return found[1] if found is not None and now_s - found[0] < self._lasts_s else None

    def keep(self, question: Hashable, answer: Answer, now_s: float, age_s: float = 0.0) -> Answer:
        """Let this be the answer from now on, unless there is one already: returns the one that holds.

        `age_s` is how long ago it was first given, if not here.
        """
        already = self.get(question, now_s)
        if already is not None:
            return already
        # Taken out first, so that the dictionary's order is that of the beginnings.
        self._kept.pop(question, None)
        if self._lasts_s > 0:
            self._kept[question] = (now_s - age_s, answer)
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return answer

    def drop(self, question: Hashable) -> None:
        """Let go before the time: the answer is no longer a good one."""
        self._kept.pop(question, None)

    def __len__(self) -> int:
        return len(self._kept)


class Steady:
    """Since when each branch has been told to be the same, with nothing having changed that answers rest on.

    Once that is longer than a session, nobody has a session left that began with something else. Of so many branches at
    most, of which the oldest go.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._since: dict[Hashable, tuple[Told, Hashable, float]] = {}

    def see(self, branch: Hashable, told: Told, state: Hashable, now_s: float) -> None:
        """The branch is told to be this, chosen in this state; two states are equal if nothing changed between them."""
        since = self._since.get(branch)
        if since is not None and since[:2] == (told, state):
            return
        self._since.pop(branch, None)
        self._since[branch] = (told, state, now_s)
        if len(self._since) > self._most:
            del self._since[next(iter(self._since))]

    def seconds(self, branch: Hashable, told: Told, state: Hashable, now_s: float) -> float:
        """For how long it has been so; 0 if it is not known to be."""
        since = self._since.get(branch)
        return now_s - since[2] if since is not None and since[:2] == (told, state) else 0.0

    def __len__(self) -> int:
        return len(self._since)


def asker(token_id: str | None, address: str | None, user_agent: str | None) -> Asker:
    """Whom to tell of one commit for a while: a program that somebody runs."""
    return token_id or address, program_of(user_agent or "")


@lru_cache(maxsize=1_024)
def program_of(user_agent: str) -> str:
    """The program that asks, as far as it calls itself the same in all its requests.

    transformers takes a model's configuration as `transformers/5.0; hf_hub/2.4.0; python/3.11.7; file_type/config` and
    lists its files as `unknown/None; hf_hub/2.4.0; python/3.11.7`: both are one program, which must see one commit.
    """
    said = [part.strip() for part in user_agent.split(";")]
    if not any(part.startswith("hf_hub/") for part in said):
        return user_agent
    return "; ".join(sorted(part for part in said if part.startswith(_OF_THE_HUB_CLIENT)))


def older_than(head: str, observed: Iterable[str]) -> list[str]:
    """The commits to fall back to, in their order: what the branch was seen at (newest first), each once."""
    return [sha for sha in dict.fromkeys(observed) if sha != head][:MOST_OLDER]


def commits_behind(head: str, served: str, listed: Sequence[str], observed: Iterable[str]) -> int:
    """How many commits lie between, by the upstream's list of the head's commits, else by what was observed.

    Both are newest first. A commit that is in neither, as after a history that was written anew, is one behind.
    """
    if served == head:
        return 0
    if served in listed:
        return max(listed.index(served), 1)
    older = [sha for sha in dict.fromkeys(observed) if sha != head]
    return older.index(served) + 1 if served in older else 1

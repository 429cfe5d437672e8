"""Passwords: which are good enough, how they are kept (Argon2id, RFC 9106), and how many are looked at at a time."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from curator.errors import BadInput, CuratorError

_Result = TypeVar("_Result")

SHORTEST = 12
_LONGEST = 256
_LONGEST_TYPED = 4 * _LONGEST
"""Of what may be a password at all: some letters are typed as several; megabytes of them would be long to read."""
_AT_ONCE = 2
"""Each takes 64 MiB."""
_WAITING = 32
_WORD = re.compile(
    "password|passwort|passwd|secret|letmein|welcome|iloveyou|qwerty|qwertz|azerty|administrator|admin|root|user|guest|"
    "login|changeme|default|master|monkey|dragon|football|baseball|sunshine|princess|superman|batman|trustno|starwars|"
    "shadow|michael|summer|winter|spring|autumn|hello|hunter|testing|test|temp|company|curator|models|model|correct|"
    "horse|battery|staple|hugging|face|this|love|word|pass"
)
_LETTERS = str.maketrans("01345678@$!|+", "oieasgtbasiit")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
)


class TooMany(CuratorError):
    """Too many attempts: by one account, from one address, or at this moment by everybody."""

    status = 429

    def __init__(self, wait_s: int) -> None:
        told = f"{wait_s} s" if wait_s < 120 else f"{-(-wait_s // 60)} minutes"
        super().__init__(f"Too many attempts to sign in: wait {told}, and try again")
        self.wait_s = wait_s


def plain(password: str) -> str:
    """One form of what may be typed in several (NFKC, as NIST SP 800-63B says)."""
    return unicodedata.normalize("NFKC", password)


def check_good(password: str, login: str) -> None:
    """Raise `BadInput` for one that can be guessed."""
    text = plain(password[: _LONGEST_TYPED + 1])
    if not SHORTEST <= len(text) <= _LONGEST:
        raise BadInput(
            f"A password has {SHORTEST} to {_LONGEST} characters: choose a longer one, several words are good"
        )
    folded = text.casefold()
    name = login.casefold()
    if len(name) > 2 and len(folded.replace(name, "")) < SHORTEST // 2:
        raise BadInput("This password is little more than the name: choose another, several words are good")
    if _is_common(folded):
        raise BadInput("This password is among the first that are guessed: choose another, several words are good")


def _is_common(folded: str) -> bool:
    """Whether there is nothing in it but the commonest words, numbers, rows of keys and repetitions.

    What stands on lists of stolen passwords and is this long is nearly always made so; the lists have no better use.
    """
    if len(set(folded)) < 5 or re.fullmatch(r"(.{1,6}?)\1+.{0,5}", folded, re.DOTALL):
        return True
    if not (letters := re.sub(r"[\W_]+", "", folded)):
        return False
    if any(_runs_along(row, letters) for row in _ROWS):
        return True
    bare = letters.strip("0123456789")
    read = re.sub(r"[\W_]+", "", re.sub(r"[\W\d_]+$", "", folded).translate(_LETTERS))
    return any(not _WORD.sub("", one) for one in (bare, read, re.sub(r"\d+", "", letters)))


def _runs_along(row: str, text: str) -> bool:
    """Whether the whole text is made of pieces of four or more of a row, forwards or back."""
    for line in (row, row[::-1]):
        rest = text
        while rest:
            taken = next((n for n in range(len(rest), 3, -1) if rest[:n] in line), 0)
            if not taken:
                break
            rest = rest[taken:]
            if len(rest) < 4:
                return True
    return False


class Passwords:
    """Hashes and verifies, a few at a time: a flood of attempts waits or is sent away, and fills no memory."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobodys = ""

    async def hashed(self, password: str) -> str:
        """What is kept of it."""
        return await self._in_turn(self._hasher.hash, plain(password))

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; without one that is kept it takes as long to say no. Raises `TooMany`."""
        if not self._nobodys:
            self._nobodys = await self._in_turn(self._hasher.hash, "nobody's")
        typed = plain(password[:_LONGEST_TYPED])
        right = await self._in_turn(self._verify, kept or self._nobodys, typed)
        return right and kept is not None and len(password) <= _LONGEST_TYPED

    def is_old(self, kept: str) -> bool:
        """Whether it was hashed with other parameters than those of now."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_turn(self, work: Callable[..., _Result], *given: str) -> _Result:
        if self._waiting >= _WAITING:
            raise TooMany(5)
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work, *given)
        finally:
            self._waiting -= 1

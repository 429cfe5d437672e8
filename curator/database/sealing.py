"""Secrets that the database keeps and must not show: sealed with a key that is not in it (Fernet)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from curator.errors import BadSettings, KeyLost

_MAKE_ONE = "make one with: openssl rand -base64 32 | tr '+/' '-_'"


class Seal:
    """Seals and opens with the key of the settings, or else with the one in a file, made when first needed."""

    def __init__(self, key: str | None, file: Path) -> None:
        self._key = key
        self._file = file

    def make(self) -> None:
        """Make the key, if it is to be in a file and there is none yet."""
        if self._key is None and not self._file.exists():
            _make(self._file)

    def fingerprint(self) -> str:
        """By which one tells keys apart, and which tells nothing of the key. Raises `KeyLost`."""
        key = self._key.encode() if self._key is not None else _read(self._file)
        self._fernet()
        return hmac.digest(base64.urlsafe_b64decode(key), b"curator-secret-key-1", hashlib.sha256).hex()[:32]

    def close(self, text: str) -> str:
        """The text, sealed."""
        self.make()
        return self._fernet().encrypt(text.encode()).decode()

    def open(self, sealed: str, what: str) -> str:
        """What was sealed. Raises `KeyLost`, and nothing is ever returned that was sealed with another key."""
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise KeyLost(
                f"{what} cannot be opened: {self.where} is not the key that it was sealed with. "
                "The mirror's administrator must bring that key back, or remove the token and add it again"
            ) from None

    @property
    def where(self) -> str:
        """Where the key is, for whoever is to be told."""
        return "CURATOR_SECRET_KEY" if self._key is not None else str(self._file)

    def _fernet(self) -> Fernet:
        try:
            return Fernet(self._key if self._key is not None else _read(self._file))
        except ValueError:
            raise KeyLost(f"{self.where} is not a key of 32 bytes in URL-safe base64: {_MAKE_ONE}") from None


def opened_by_any(sealed: str, what: str, new: Seal, old: Seal | None) -> str | None:
    """What was sealed with one of two keys; None where it was with neither, and the old one is lost.

    Raises `KeyLost` where there is an old one, and it was not with that either.
    """
    with contextlib.suppress(KeyLost):
        return new.open(sealed, what)
    return old.open(sealed, what) if old is not None else None


def _make(file: Path) -> None:
    """Write a new key that only this user can read; of two who do it at once, one wins and both use its key."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(Fernet.generate_key() + b"\n")
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        # The name is to be on the disk before anything is that was sealed with the key.
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise BadSettings(f"The key {file} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_mode & 0o077:
            raise KeyLost(f"{file} can be read by others than this mirror's user, so it is not used: chmod 600 it")
        return file.read_bytes().strip()
    except FileNotFoundError:
        raise KeyLost(
            f"The key {file} is missing: the mirror's administrator must bring it back, or set CURATOR_SECRET_KEY"
        ) from None
    except OSError as error:
        raise KeyLost(f"The key {file} cannot be read: {error.strerror}") from None

"""Proves an evidence pack, which needs nothing but the file: and better the public key, from somewhere else."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from curator.audit.seals import signed
from curator.audit.verify_file import verify_file
from curator.errors import BadInput
from curator.evidence.archive import BLOCK, END, Member, read_header
from curator.evidence.pack import MANIFEST, SCHEMA, SIGNATURE, signature_json, signed_line

_CHUNK = 1 << 16
_LONGEST = 64 << 20
"""Of what is read as a whole: the manifest, what the pack is about, the signature."""
_KEPT = frozenset({MANIFEST, SIGNATURE, "about.json"})
_MOST_PROBLEMS = 50


@dataclass(slots=True)
class Proof:
    """What a verification found."""

    files: int = 0
    rows: int = 0
    """Of the record."""
    key: str = ""
    at: str = ""
    about: str = ""
    by: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return not self.problems

    @property
    def sentence(self) -> str:
        if not self.right:
            return f"The evidence pack is NOT as it was written: {self.problems[0]}"
        return f"The evidence pack is whole: {self.files} files, {self.rows:,} rows of the record, taken {self.at}"

    def as_json(self) -> dict[str, Any]:
        return {
            "whole": self.right,
            "sentence": self.sentence,
            "files": self.files,
            "rows": self.rows,
            "key": self.key,
            "taken_at": self.at,
            "taken_by": self.by,
            "about": self.about,
            "problems": self.problems,
        }


def verify_pack(file: Path, keys: frozenset[str] = frozenset()) -> Proof:
    """Prove that every byte is as it was written. `keys` are those that may have signed it; none: the one it names.

    Raises `BadInput` for a file that cannot be read, or that is no evidence pack at all.
    """
    proof = Proof()
    try:
        with file.open("rb") as pack, tempfile.TemporaryDirectory() as folder:
            _check(pack, Path(folder), keys, proof)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
    del proof.problems[_MOST_PROBLEMS:]
    return proof


@dataclass(slots=True)
class _Read:
    """What came so far."""

    digest: Any = field(default_factory=sha256)
    size: int = 0
    members: list[Member] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)
    records: list[Path] = field(default_factory=list)
    before: tuple[str, int] = ("", 0)
    """Digest and number of the bytes before the last file."""


def _check(pack: IO[bytes], folder: Path, keys: frozenset[str], proof: Proof) -> None:
    read = _Read()
    try:
        _go_through(pack, folder, read)
    except BadInput as error:
        if not read.members:
            raise BadInput("This is no evidence pack: it is a tar archive that `curator evidence take` wrote") from None
        proof.problems.append(f"after {read.members[-1].name}: {error.sentence}")
    proof.files = len(read.members)
    with contextlib.suppress(ValueError, KeyError, TypeError):
        about = json.loads(read.kept["about.json"])
        proof.about, proof.by = str(about["subject"]["said"]), str(about["taken_by"])
    proof.problems += _of_signature(read, keys, proof)
    proof.problems += _of_manifest(read)
    for path in read.records:
        try:
            found = verify_file(path, frozenset({proof.key}) if proof.key else keys)
        except BadInput as error:
            proof.problems.append(f"record/{path.name}: {error.sentence}")
            continue
        proof.rows += found.rows
        proof.problems += [f"record/{path.name}: {problem.sentence}" for problem in found.problems]


def _go_through(pack: IO[bytes], folder: Path, read: _Read) -> None:
    """All files, up to the end. Raises `BadInput` where something is not as it is written."""
    moment = None
    names: set[str] = set()
    while (block := pack.read(BLOCK)) != END[:BLOCK]:
        name, size, mtime = read_header(block)
        if moment is not None and mtime != moment:
            raise BadInput(f"{name} has another time than the files before it")
        moment = mtime
        if name in names or SIGNATURE in names:
            raise BadInput(f"{name} does not belong where it stands")
        names.add(name)
        read.before = (read.digest.hexdigest(), read.size)
        _take(pack, block, name, size, folder, read)
    if not names or END[:BLOCK] + pack.read(len(END)) != END:
        raise BadInput("something follows after its end, or the end is cut off")


def _take(pack: IO[bytes], block: bytes, name: str, size: int, folder: Path, read: _Read) -> None:
    """One file: hashed, and kept where it is looked into. Raises `BadInput` where it is cut off."""
    digest = sha256()
    read.digest.update(block)
    if name in _KEPT and size > _LONGEST:
        raise BadInput(f"{name} is longer than anything that is written there")
    kept = bytearray() if name in _KEPT else None
    record = folder / name.removeprefix("record/") if name.startswith("record/") else None
    if record is not None and "/" in name.removeprefix("record/"):
        raise BadInput(f"{name} does not belong there")
    with record.open("wb") if record is not None else contextlib.nullcontext() as out:
        for chunk in _chunks(pack, size, name):
            digest.update(chunk)
            read.digest.update(chunk)
            if kept is not None:
                kept += chunk
            if out is not None:
                out.write(chunk)
    rest = pack.read(-size % BLOCK)
    if rest != bytes(-size % BLOCK):
        raise BadInput(f"the bytes after {name} are not those that were written there")
    read.digest.update(rest)
    read.size += BLOCK + size + len(rest)
    read.members.append(Member(name, size, digest.hexdigest()))
    if kept is not None:
        read.kept[name] = bytes(kept)
    if record is not None:
        read.records.append(record)


def _chunks(pack: IO[bytes], size: int, name: str) -> Iterator[bytes]:
    while size:
        chunk = pack.read(min(size, _CHUNK))
        if not chunk:
            raise BadInput(f"{name} is cut off")
        size -= len(chunk)
        yield chunk


def _of_signature(read: _Read, keys: frozenset[str], proof: Proof) -> list[str]:
    text = read.kept.get(SIGNATURE)
    if text is None:
        return ["it is cut off: its last file, the signature, is not there"]
    try:
        said = json.loads(text)
        digest, size, at = str(said["sha256"]), int(said["bytes"]), str(said["at"])
        proof.key, proof.at, signature = str(said["key"]), at, str(said["signature"])
        # There is one way to write it: what reads the same and is not is not what was written.
        exact = signature_json(digest, size, at, proof.key, signature) == text
        plain = all(bytes.fromhex(one).hex() == one for one in (digest, proof.key, signature))
        right = exact and plain and signed(proof.key, signed_line(digest, size, at), bytes.fromhex(signature))
    except (ValueError, KeyError, TypeError, RecursionError):
        return [f"{SIGNATURE} is no signature"]
    if not right:
        return [f"{SIGNATURE} is not the signature of the key that it names"]
    problems = []
    if keys and proof.key not in keys:
        problems.append(f"it is signed by another key than the one that counts: {proof.key}")
    if (digest, size) != read.before:
        problems.append("its bytes are not those that were signed")
    return problems


def _of_manifest(read: _Read) -> list[str]:
    try:
        manifest = json.loads(read.kept[MANIFEST])
        if manifest["schema"] != SCHEMA:
            return [f"it is of the form {manifest['schema']!r}, which this version does not know"]
        listed = [Member(str(one["name"]), int(one["size"]), str(one["sha256"])) for one in manifest["files"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return [f"{MANIFEST} cannot be read"]
    there = [member for member in read.members if member.name not in {MANIFEST, SIGNATURE}]
    problems = [f"{one.name} is not as the manifest says" for one in there if one not in listed]
    problems += [f"{one.name} is missing" for one in listed if one.name not in {member.name for member in there}]
    if not problems and there != listed:
        problems.append("its files are not in the order in which they were written")
    return problems

"""The `.keras` archive of Keras 3: configuration, metadata, weights and assets in a zip.

Format: keras/src/saving/saving_lib.py. The configuration decides what is imported and called; the weights are HDF5 or
NumPy, the assets anything, and each is judged by its own content.
"""

from __future__ import annotations

import json

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives.zip_archive import judge_member, note
from scanners.formats.archives.zip_directory import Member, Oddity, open_member, read_directory
from scanners.formats.config.document import judge_json as judge_any_json
from scanners.formats.keras.config import judge_config
from scanners.formats.keras.layout import CONFIG, LARGEST_CONFIG, METADATA
from scanners.source import ByteSource

CODE = (".py", ".pyc", ".sh", ".so", ".dll", ".dylib", ".pth")


def judge(source: ByteSource, case: Case) -> None:
    directory = read_directory(source)
    note(directory.oddities, case)
    for member in directory.members:
        try:
            _judge_member(source, member, case)
        except BudgetSpent:
            raise
        except Unscannable as reason:
            case.leave_open(str(reason))


def _judge_member(source: ByteSource, member: Member, case: Case) -> None:
    if member.name in (CONFIG, METADATA):
        _judge_document(source, member, case)
    elif member.name.endswith((".weights.h5", ".weights.npz")):
        _judge_weights(source, member, case)
    else:
        if member.name.lower().endswith(CODE):
            case.add(
                "keras-custom-object",
                Severity.MEDIUM,
                f"The archive carries {member.name[-80:]!r}: code, which Keras puts into no archive.",
                evidence={"name": member.name[:200]},
            )
        judge_member(source, member, case)


def _judge_document(source: ByteSource, member: Member, case: Case) -> None:
    oddities: list[Oddity] = []
    if member.size > LARGEST_CONFIG:
        raise Unscannable(f"Its {member.name} has {member.size:,} bytes.")
    content = open_member(source, member, oddities, case.meter.spend_unpacked)
    note(oddities, case)
    text = content.read(0, content.size)
    if member.name == METADATA:
        _tell_version(text, case)
    elif not judge_config(
        text, case.at(member.name if case.member is None else f"{case.member}!/{member.name}"), key=CONFIG
    ):
        raise Unscannable("Its config.json is not JSON: what it would load cannot be told.")


def _tell_version(text: bytes, case: Case) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict) and isinstance(document.get("keras_version"), str):
        case.fact("keras_version", document["keras_version"][:50])


def _judge_weights(source: ByteSource, member: Member, case: Case) -> None:
    """In place, and without its checksum: tensors are not read."""
    oddities: list[Oddity] = []
    try:
        content = open_member(source, member, oddities, case.meter.spend_unpacked)
    finally:
        note(oddities, case)
    case.examine(content, member.name)


def judge_json(source: ByteSource, case: Case) -> None:
    """A configuration by itself, as `model.to_json()` gives it, or JSON that has one in it."""
    if source.size > LARGEST_CONFIG:
        raise Unscannable(f"It is a Keras configuration of {source.size:,} bytes.")
    judge_config(source.read(0, source.size), case, key="config", is_surely=False)
    judge_any_json(source, case)

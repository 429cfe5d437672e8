"""Values inside of HDF5 that are files themselves: pickles of PyTables and pandas, Keras configurations, programs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.formats.keras.config import judge_config
from scanners.formats.keras.layout import LARGEST_CONFIG
from scanners.kinds import INERT, Format
from scanners.source import ByteSource, MemorySource

PEEK_BYTES = 4096
MOST_NESTED = 5000
_MAGIC = re.compile(
    rb"\x80[\x00-\x05]|PK\x03\x04|\x7fELF|MZ.|\x1f\x8b\x08|7z\xbc\xaf|BZh[1-9]|\xfd7zXZ|\x93NUMPY|\x89HDF|Rar!|#!/|\x78[\x01\x9c\xda]",
    re.DOTALL,
)
_OLD_PICKLE = re.compile(rb"[(\]}cIiLFSVdlNG].*\.\s*\Z", re.DOTALL)
_OLD_GLOBAL = re.compile(rb"[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n")
_BASE64 = re.compile(rb"\s*(?:gA[A-Z]|Y[23]|Y29|KG|KF|UEsD|f0VM|H4sI)[A-Za-z0-9+/\s]{8,}={0,2}\s*\Z")
_CONFIG_NAMES = frozenset({"model_config", "training_config", "architecture", "config", "model_json"})
_UNREMARKABLE = INERT | {Format.UNKNOWN, Format.JSON, Format.YAML}


@dataclass(slots=True)
class Carried:
    """Looks at values, and judges the few that could be something."""

    case: Case
    nested: int = field(default=0)

    def look_at_all(self, values: Iterator[ByteSource], path: str, name: str) -> None:
        for value in values:
            self._look_at(value, path, name)

    def _look_at(self, value: ByteSource, path: str, name: str) -> None:
        head = value.read(0, PEEK_BYTES)
        if not head:
            return
        if name in _CONFIG_NAMES or (head.lstrip()[:1] in (b"{", b"[") and self._names_a_class(value, head)):
            self._config(value, path, name)
            return
        if b"!!python/" in head:
            self.case.examine(value, path, name="value.yaml")
        elif _MAGIC.match(head) or self._is_old_pickle(value, head):
            self._examine(value, path)
        elif value.size <= LARGEST_CONFIG and _BASE64.match(
            head if value.size <= PEEK_BYTES else value.read(0, value.size)
        ):
            self._examine_text(value, path)

    def _names_a_class(self, value: ByteSource, head: bytes) -> bool:
        return b'"class_name"' in (head if value.size <= PEEK_BYTES else value.read(0, min(value.size, LARGEST_CONFIG)))

    def _is_old_pickle(self, value: ByteSource, head: bytes) -> bool:
        if _OLD_GLOBAL.search(head):
            return True
        return b"\n" in head and value.size <= PEEK_BYTES and _OLD_PICKLE.match(head) is not None

    def _config(self, value: ByteSource, path: str, name: str) -> None:
        if value.size > LARGEST_CONFIG:
            raise Unscannable(f"Its {name[:60]} has {value.size:,} bytes.")
        text = value.read(0, value.size).rstrip(b"\0")
        where = self.case.at(path[:500] if self.case.member is None else f"{self.case.member}!/{path[:500]}")
        if not judge_config(text, where, key=name[:60]):
            if b"!!python/" in text:
                self.case.examine(value, path, name="value.yaml")
            elif _MAGIC.match(text) or _OLD_GLOBAL.search(text):
                self._examine(value, path)
            elif name == "model_config" and text.strip() not in (b"", b"null", b"None"):
                self.case.leave_open(f"Its {name} is not JSON: what it would load cannot be told.")

    def _examine(self, value: ByteSource, path: str) -> None:
        found = detect(value, "")
        if found.format in _UNREMARKABLE and not found.also:
            return
        self.nested += 1
        if self.nested > MOST_NESTED:
            raise Unscannable(f"It holds more than {MOST_NESTED:,} files in its values.")
        self.case.examine(value, path, name=path.rsplit("/", 1)[-1][-100:])

    def _examine_text(self, value: ByteSource, path: str) -> None:
        try:
            content = base64.b64decode(re.sub(rb"\s", b"", value.read(0, value.size)), validate=True)
        except (binascii.Error, ValueError):
            return
        self.case.meter.spend_unpacked(len(content))
        if _MAGIC.match(content) or _OLD_GLOBAL.match(content):
            self._examine(MemorySource(content), path)

"""The repository that is measured with: safetensors of any size, made here, and what a Hub says of them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from fixtures.hub.gitobjects import commit_id, lfs_pointer, object_id, tree_ids
from fixtures.hub.repository import HubCommit, HubFile, HubRepo

REPO = "benchmarks/tiled-weights"
WEIGHTS = "model.safetensors"
WARM_UP = "adapter_model.safetensors"
_WARM_UP_BYTES = 8 << 20
_BLOCK_BYTES = 8 << 20
_TENSORS = 64
_TIMESTAMP = 1_760_000_000


@dataclass(frozen=True)
class SubjectFile:
    """A file of the repository."""

    path: str
    source: str
    """Where its bytes are on this machine."""
    size: int
    sha256: str | None
    """Of a file in LFS; None for one that git itself keeps."""


@dataclass(frozen=True)
class Subject:
    """The repository, of one commit."""

    files: tuple[SubjectFile, ...]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps([asdict(file) for file in self.files]))

    @classmethod
    def load(cls, path: Path) -> Subject:
        return cls(tuple(SubjectFile(**entry) for entry in json.loads(path.read_text())))

    def file(self, path: str = WEIGHTS) -> SubjectFile:
        return next(file for file in self.files if file.path == path)

    def hub_repo(self) -> HubRepo:
        """The same for the functions that write the Hub's JSON."""
        files = {file.path: _hub_file(file) for file in self.files}
        folders = tree_ids({path: file.oid for path, file in files.items()})
        sha = commit_id(folders[""], None, "Add the weights", _TIMESTAMP)
        commit = HubCommit(sha, "Add the weights", "2025-10-09T08:53:20.000Z", files, folders)
        return HubRepo("models", REPO, {}, [commit], {"refs/heads/main": sha})


def one_file(folder: Path, size: int) -> Subject:
    """Real bytes, whose SHA-256 are right: the weights, and a smaller file to warm up with."""
    weights = tuple(
        SubjectFile(name, str(folder / name), count, _write_weights(folder / name, count))
        for name, count in ((WEIGHTS, size), (WARM_UP, _WARM_UP_BYTES))
    )
    return Subject((*_small_files(folder, tags=40), *weights))


def sparse_shards(folder: Path, count: int, total: int) -> Subject:
    """Shards that take no room: a true header, then a hole. Their SHA-256 are made up, so they can be judged from
    ranges but not be brought in."""
    shards: list[SubjectFile] = []
    weight_map: dict[str, str] = {}
    for number in range(1, count + 1):
        name = f"model-{number:05}-of-{count:05}.safetensors"
        size = total // count
        head, tensors = _header(size, f"layers.{number}")
        weight_map |= dict.fromkeys(tensors, name)
        with (folder / name).open("wb") as file:
            file.write(head)
            file.truncate(size)
        shards.append(SubjectFile(name, str(folder / name), size, hashlib.sha256(name.encode()).hexdigest()))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    listed = SubjectFile(index.name, str(index), index.stat().st_size, None)
    return Subject((*_small_files(folder, tags=40), listed, *shards))


def _small_files(folder: Path, tags: int) -> tuple[SubjectFile, ...]:
    """A card whose tags make the repository's info about 4 KB, and a configuration."""
    names = "".join(f"- measured-with-a-tag-of-some-length-{number:03}\n" for number in range(tags))
    texts = {
        "README.md": f"---\nlicense: apache-2.0\nlibrary_name: safetensors\ntags:\n{names}---\n# Weights\n",
        "config.json": '{"architectures": ["BertModel"], "model_type": "bert"}\n',
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return tuple(SubjectFile(name, str(folder / name), len(text), None) for name, text in texts.items())


def _header(size: int, prefix: str) -> tuple[bytes, list[str]]:
    """The length and the JSON of a safetensors file of `size` bytes (its format's README), and its tensors' names.

    The JSON is padded to a length of its own, so that the tensors can tile exactly what is left.
    """
    length = 160 * (_TENSORS + 1)
    rest = size - 8 - length
    step = rest // _TENSORS
    tensors = {}
    for number in range(_TENSORS):
        first, last = number * step, rest if number == _TENSORS - 1 else (number + 1) * step
        tensors[f"{prefix}.weight.{number}"] = {
            "dtype": "U8",
            "shape": [last - first],
            "data_offsets": [first, last],
        }
    text = json.dumps(tensors, separators=(",", ":")).encode()
    assert len(text) <= length < size
    return length.to_bytes(8, "little") + text.ljust(length), list(tensors)


def _write_weights(path: Path, size: int) -> str:
    head, _ = _header(size, "model")
    block = bytearray(os.urandom(_BLOCK_BYTES))
    digest = hashlib.sha256(head)
    with path.open("wb") as file:
        file.write(head)
        left, number = size - len(head), 0
        while left:
            # A counter in front makes each block another one: nothing can be saved by noticing that two are alike.
            block[:8] = number.to_bytes(8, "little")
            part = memoryview(block)[: min(left, _BLOCK_BYTES)]
            digest.update(part)
            file.write(part)
            left, number = left - len(part), number + 1
    return digest.hexdigest()


def _hub_file(file: SubjectFile) -> HubFile:
    if file.sha256 is None:
        content = Path(file.source).read_bytes()
        return HubFile(file.path, content, file.size, None, object_id("blob", content), None)
    pointer = lfs_pointer(file.sha256, file.size)
    oid = object_id("blob", pointer)
    return HubFile(file.path, Path(file.source), file.size, file.sha256, oid, len(pointer))

"""Coverage-guided fuzzing of every parser: no input crashes its judge, hangs it or exceeds its limits.

    python -m tests.fuzz.harness [--seconds 60 | --runs 1000] [--only gguf] [--target scan|protocol]
        [--most-seeds 500] [--folder FOLDER]

atheris (libFuzzer) mutates the files of the labelled corpus and of the fixtures, and keeps what reaches new lines of
`scanners`. An input that breaks a judge is left in the folder, and the run ends with a traceback; inputs that reached
something new stay there too, and are begun with when the folder is given again. The first byte of an input chooses
the name that the rest is judged under.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import atheris

with atheris.instrument_imports(include=["scanners"], enable_loader_override=False):
    import scanners.jail_child
    from scanners import jail_protocol
    from scanners.budget import Budget, Meter, Unscannable
    from scanners.case import Case, Dossier
    from scanners.detect import detect
    from scanners.examination import examine
    from scanners.reading import CountingSource
    from scanners.source import MemorySource

    for _module in walk_packages(scanners.__path__, "scanners."):
        if not _module.name.endswith("__main__"):
            import_module(_module.name)

from fixtures.corpus import all_samples

LONGEST_SEED = 64 * 1024
SLOWEST_INPUT_S = 20
LARGEST_PROCESS_MIB = 1500
BUDGET = Budget(opcodes=200_000, unpacked_bytes=16 << 20, members=200, wall_s=SLOWEST_INPUT_S / 4)
NAMES = (
    "model.pkl", "pytorch_model.bin", "model.safetensors", "model.gguf", "model.onnx", "weights.npy", "weights.npz",
    "model.keras", "model.h5", "saved_model.pb", "model.tflite", "archive.tar", "archive.7z", "archive.zip", "x.gz",
    "config.json", "tokenizer_config.json", "chat_template.jinja", "config.yaml", "modeling.py", "requirements.txt",
    "README.md", "notebook.ipynb", "model.xml", "picture.png", "nothing",
)  # fmt: skip


def judge(data: bytes) -> None:
    """As `scanners.scan`, without the door that catches what a judge did not expect."""
    name, content = NAMES[data[0] % len(NAMES)] if data else NAMES[0], data[1:]
    meter = Meter(BUDGET)
    case = Case(dossier=Dossier(meter), examine_content=examine, name=name)
    try:
        examine(CountingSource(MemorySource(content), meter), name, case)
    except Unscannable as reason:
        assert str(reason).strip()


def understand(data: bytes) -> None:
    """What a keeper is told by a child that has been taken over."""
    heard = bytearray(data)
    try:
        for _, payload in jail_protocol.frames(heard, jail_protocol.LARGEST_REPORT):
            jail_protocol.report_from(payload)
    except jail_protocol.BadFrame:
        pass


TARGETS: dict[str, Callable[[bytes], None]] = {"scan": judge, "protocol": understand}


def seeds(target: str, only: str | None) -> Iterator[bytes]:
    """The labelled corpus, and what the stand-in Hub serves."""
    if target == "protocol":
        report = scanners.scan(MemorySource(b"\x80\x04cos\nsystem\nX\x02\x00\x00\x00id\x85R."), "model.pkl")
        yield jail_protocol.pack(jail_protocol.DONE, json.dumps(report.as_json()).encode())
        return
    for path, content in _files():
        if len(content) <= LONGEST_SEED and (only is None or only == detect(MemorySource(content), path).format.value):
            suffix = path[path.rfind(".") :]
            number = next((at for at, name in enumerate(NAMES) if name.endswith(suffix)), len(NAMES) - 1)
            yield bytes([NAMES.index(path) if path in NAMES else number]) + content


def _files() -> Iterator[tuple[str, bytes]]:
    for sample in all_samples():
        for path, content in sample.files.items():
            yield path.rpartition("/")[2], content
    for file in sorted(Path("fixtures/repos").rglob("*")):
        if file.is_file():
            yield file.name, file.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--seconds", type=int, default=60)
    how_long.add_argument("--runs", type=int, help="try so many inputs, seeds among them, however long it takes")
    parser.add_argument("--only", metavar="FORMAT", help="begin with files of this format alone")
    parser.add_argument("--target", choices=sorted(TARGETS), default="scan")
    parser.add_argument("--most-seeds", type=int, help="begin with so many of them, evenly chosen (default: all)")
    parser.add_argument("--folder", type=Path, help="keeps what was found (default: one that is removed)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        begun_with = list(seeds(options.target, options.only))
        step = max(1, len(begun_with) // (options.most_seeds or len(begun_with)))
        for content in begun_with[::step]:
            (folder / hashlib.sha256(content).hexdigest()[:32]).write_bytes(content)
        arguments = [
            f"-runs={options.runs}" if options.runs else f"-max_total_time={options.seconds}",
            f"-timeout={SLOWEST_INPUT_S}",
            f"-rss_limit_mb={LARGEST_PROCESS_MIB}",
            f"-max_len={LONGEST_SEED + 1}",
            f"-artifact_prefix={folder}/",
            "-seed=1",
            "-print_final_stats=1",
            str(folder),
        ]
        # Before the first input, so that none is charged with what other libraries load late.
        scanners.jail_child.warm_up()
        atheris.Setup([sys.argv[0], *arguments], TARGETS[options.target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()

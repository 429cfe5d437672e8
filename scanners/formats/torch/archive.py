"""PyTorch's archive (`torch.save` since 1.6): a stored zip with `<name>/data.pkl`, `<name>/data/<key>` and little else.

Format: caffe2/serialize/inline_container.h, "PyTorch container". Tensors are not read: their sizes follow from the
pickle and must agree with the archive. Everything else is read and judged by its content, whatever its name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.archives.zip_archive import judge_member, note
from scanners.formats.archives.zip_directory import STORED, Member, Oddity, open_member, read_directory
from scanners.formats.pickle import judge as pickle_judge
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.known.torch_types import STORAGE_DTYPES, STORAGE_ITEM_BYTES
from scanners.formats.tensors.tensor_map import outline_of
from scanners.formats.torch.members import judge_inside, open_checked, read_pickle
from scanners.kinds import Format
from scanners.reading import SliceSource, Window
from scanners.source import ByteSource

TENSOR = re.compile(r"[^/]*/(data|constants|xl_model_weights|\.data|traced_inputs)/\d+\Z")
KNOWN_NAMES = re.compile(
    r"[^/]*/(data\.pkl|constants\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id"
    r"|\.data/[a-z_]+|code/.*|extra/.*|attributes\.pkl|model\.json|bytecode\.pkl|mobile_debug_handles\.pkl)\Z"
)

NOTES = re.compile(r"[^/]*/(version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id)\Z")
NOTE = re.compile(rb"(\d{1,64}|little|big)\n?")
LONGEST_NOTE = 80
CODE = re.compile(r"[^/]*/code/.*\.py\Z", re.IGNORECASE)
SCRIPT_PICKLES = (".debug_pkl", "/bytecode.pkl", "/attributes.pkl", "/mobile_debug_handles.pkl", "/traced_inputs.pkl")
DATA_FOLDERS = ("data", "constants", ".data", "traced_inputs", "xl_model_weights")
MOST_ORPHANS = 64
_WORTH_A_LOOK = frozenset(
    {
        Format.PICKLE, Format.TORCH_LEGACY, Format.ZIP, Format.TAR, Format.SEVEN_ZIP, Format.ELF, Format.PE,
        Format.MACH_O, Format.GZIP, Format.XZ, Format.BZIP2, Format.SCRIPT, Format.PYTHON,
    }
)  # fmt: skip

PROGRAMS = (".sh", ".bash", ".bat", ".cmd", ".ps1", ".exe", ".dll", ".so", ".dylib", ".js", ".vbs", ".pl", ".rb")


def looks_like(names: list[str]) -> bool:
    """Whether these members make a PyTorch archive; PyTorch finds its members without regard to case."""
    return any(re.search(r"(^|/)(data|constants)\.pkl\Z", name, re.IGNORECASE) for name in names)


def judge(source: ByteSource, case: Case) -> None:
    directory = read_directory(source)
    note(directory.oddities, case)
    tensors = {member.name: member for member in directory.members if TENSOR.match(member.name)}
    has_code = any(CODE.match(member.name) for member in directory.members)
    if has_code:
        case.add(
            "torchscript-code",
            Severity.LOW,
            "The archive carries TorchScript: code that runs in PyTorch's own interpreter.",
        )
        case.fact("torchscript", value=True)
    reading = _Reading(tensors, torchscript=has_code)
    for member in directory.members:
        name = member.name.lower()
        if member.name in tensors:
            _check_tensor(source, member, case)
        elif name.endswith(("/data.pkl", "/constants.pkl")) or (has_code and name.endswith(SCRIPT_PICKLES)):
            _judge_pickle(source, member, case, reading)
        elif CODE.match(member.name):
            _judge_code(source, member, case)
        elif not _is_plain(source, member, case):
            if not KNOWN_NAMES.match(member.name) and not member.is_folder:
                case.add(
                    "torch-unexpected-member",
                    Severity.LOW,
                    f"The archive carries {member.name[:100]!r}, which PyTorch does not write.",
                    evidence={"member": member.name[:200]},
                )
            _look_for_code(member, case)
            judge_member(source, member, case)
    _look_at_orphans(source, reading, case)
    case.fact("parameters", dict(sorted(reading.sizes.items())))
    case.fact("tensors", len(tensors))
    if reading.matrices:
        case.fact("tensor_map", outline_of(reading.matrices))


def _look_for_code(member: Member, case: Case) -> None:
    """What a program may keep beside its tensors is anything, and yet no model has a use for a script there."""
    if member.name.lower().endswith(PROGRAMS):
        case.add(
            "torch-unexpected-member",
            Severity.MEDIUM,
            f"The archive carries {member.name[:100]!r}: a program, for which PyTorch has no use.",
            evidence={"member": member.name[:200]},
        )


def _is_plain(source: ByteSource, member: Member, case: Case) -> bool:
    """Whether it is one of the notes that PyTorch writes into each archive, with no more in it than such a note.

    Only spares them the marks of all formats there are.
    """
    if member.size > LONGEST_NOTE or not NOTES.match(member.name):
        return False
    content = open_checked(source, member, case)
    return content is not None and NOTE.fullmatch(content.read(0, LONGEST_NOTE)) is not None


@dataclass(slots=True)
class _Reading:
    """What the members of one archive have in common."""

    tensors: dict[str, Member]
    torchscript: bool
    sizes: Counter[str] = field(default_factory=Counter)
    """Elements by their type."""
    matrices: list[tuple[int, ...]] = field(default_factory=list)
    """Their sizes."""
    asked_for: set[str] = field(default_factory=set)
    """Names of the tensors that the pickles speak of."""


def _judge_code(source: ByteSource, member: Member, case: Case) -> None:
    # Most archives have no code.
    from scanners.formats.torch.script import judge_source

    judge_inside(source, member, case, judge_source)


def _look_at_orphans(source: ByteSource, reading: _Reading, case: Case) -> None:
    """Tensor data that no pickle asks for may be anything; only what is known to be something is judged."""
    orphans = [
        member
        for name, member in reading.tensors.items()
        if name not in reading.asked_for and member.method == STORED and member.size
    ]
    for member in orphans[:MOST_ORPHANS]:
        content = open_checked(source, member, case)
        if content is not None and detect(content, "").format in _WORTH_A_LOOK:
            case.add(
                "torch-unexpected-member",
                Severity.MEDIUM,
                f"No tensor is in {member.name[:100]!r}, where tensors belong, but another file.",
                evidence={"member": member.name[:200]},
            )
            case.examine(content, member.name)


def _check_tensor(source: ByteSource, member: Member, case: Case) -> None:
    """Tensor bytes are taken as they lie: PyTorch stores them, and no loader gives them another meaning."""
    if member.method != STORED:
        oddities: list[Oddity] = []
        try:
            open_member(source, member, oddities, case.meter.spend_unpacked)
        except BudgetSpent:
            raise
        except Unscannable as reason:
            case.leave_open(str(reason))
        note(oddities, case)


def _judge_pickle(source: ByteSource, member: Member, case: Case, reading: _Reading) -> None:
    content = open_checked(source, member, case)
    if content is None:
        return
    inner = case.inside(member.name)
    judgement = Judgement(torchscript=reading.torchscript)
    outcome, window = read_pickle(content, judgement, inner)
    if outcome.broken is None and window.remaining:
        _judge_rest(content, window, member, inner)
    folder, _, name = member.name.rpartition("/")
    reading.asked_for.update(f"{folder}/{part}/{key}" for key in judgement.storages for part in DATA_FOLDERS)
    if name.lower() == "data.pkl":
        _compare(judgement, folder, reading.tensors, inner, reading.sizes)
        reading.matrices += [size for _, _, size in judgement.matrices]
    if name.lower() == "bytecode.pkl":
        from scanners.formats.torch.script import judge_operators

        judge_operators(outcome.value, inner)


def _judge_rest(content: ByteSource, window: Window, member: Member, case: Case) -> None:
    """What follows a pickle in its member: in bytecode, another one; else nothing that PyTorch writes."""
    if member.name.lower().endswith("bytecode.pkl"):
        case.examine(SliceSource(content, window.position, window.remaining), "rest of the bytecode")
    else:
        pickle_judge.trailing(content, window.position, case)


def _compare(judgement: Judgement, folder: str, tensors: dict[str, Member], case: Case, sizes: Counter[str]) -> None:
    """The storages the pickle asks for against the members that hold them."""
    for key, (cls, count) in judgement.storages.items():
        # TorchScript's storages may be named by their member, with or without `.storage`.
        member = tensors.get(f"{folder}/data/{key}")
        sizes[STORAGE_DTYPES.get(cls, cls)] += count
        if member is None:
            if not judgement.torchscript:
                case.add(
                    "torch-storage-mismatch",
                    Severity.MEDIUM,
                    f"The pickle asks for tensor data {key[:40]!r}, which the archive does not have.",
                    evidence={"storage": key[:40]},
                )
        elif member.size > count * STORAGE_ITEM_BYTES[cls]:
            case.add(
                "torch-storage-mismatch",
                Severity.LOW,
                f"Tensor data {key[:40]!r} has {member.size:,} bytes, not {count * STORAGE_ITEM_BYTES[cls]:,}.",
                evidence={"storage": key[:40]},
            )
        elif member.size < count * STORAGE_ITEM_BYTES[cls]:
            case.add(
                "torch-storage-mismatch",
                Severity.MEDIUM,
                f"Tensor data {key[:40]!r} has {member.size:,} bytes, not {count * STORAGE_ITEM_BYTES[cls]:,}.",
                evidence={"storage": key[:40]},
            )

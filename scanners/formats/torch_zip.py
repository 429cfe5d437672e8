"""PyTorch's archive (`torch.save` since 1.6): a stored zip with `<name>/data.pkl`, `<name>/data/<key>` and little else.

Format: caffe2/serialize/inline_container.h, "PyTorch container". Tensors are not read: their sizes follow from the
pickle and must agree with the archive. Everything else is read and judged by its content, whatever its name.
"""

from __future__ import annotations

import re
from collections import Counter

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.pickle import judge as pickle_judge
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.known.torch_types import STORAGE_DTYPES, STORAGE_ITEM_BYTES
from scanners.formats.zip_archive import check_stored, judge_member, note
from scanners.formats.zip_directory import STORED, Member, Oddity, open_member, read_directory
from scanners.reading import Window
from scanners.source import ByteSource

TENSOR = re.compile(r"[^/]*/(data|constants|xl_model_weights|\.data)/\d+\Z")
KNOWN_NAMES = re.compile(
    r"[^/]*/(data\.pkl|constants\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id"
    r"|\.data/[a-z_]+|code/.*|extra/.*|attributes\.pkl|model\.json|bytecode\.pkl|mobile_debug_handles\.pkl)\Z"
)


def looks_like(names: list[str]) -> bool:
    """Whether these members make a PyTorch archive; PyTorch finds its members without regard to case."""
    return any(re.search(r"(^|/)(data|constants)\.pkl\Z", name, re.IGNORECASE) for name in names)


def judge(source: ByteSource, case: Case) -> None:
    directory = read_directory(source)
    note(directory.oddities, case)
    tensors = {member.name: member for member in directory.members if TENSOR.match(member.name)}
    has_code = any("/code/" in member.name for member in directory.members)
    if has_code:
        case.add(
            "torchscript-code",
            Severity.MEDIUM,
            "The archive carries TorchScript: code that runs in PyTorch's own interpreter and is not judged yet.",
        )
        case.fact("torchscript", value=True)
    sizes: Counter[str] = Counter()
    for member in directory.members:
        if member.name in tensors:
            _check_tensor(source, member, case)
        elif member.name.lower().endswith("/data.pkl") or member.name.lower().endswith("/constants.pkl"):
            _judge_pickle(source, member, case, tensors, torchscript=has_code, sizes=sizes)
        else:
            if not KNOWN_NAMES.match(member.name) and not member.is_folder:
                case.add(
                    "torch-unexpected-member",
                    Severity.LOW,
                    f"The archive carries {member.name[:100]!r}, which PyTorch does not write.",
                    evidence={"member": member.name[:200]},
                )
            judge_member(source, member, case)
    case.fact("parameters", dict(sorted(sizes.items())))
    case.fact("tensors", len(tensors))


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


def _judge_pickle(
    source: ByteSource,
    member: Member,
    case: Case,
    tensors: dict[str, Member],
    *,
    torchscript: bool,
    sizes: Counter[str],
) -> None:
    oddities: list[Oddity] = []
    try:
        content = open_member(source, member, oddities, case.meter.spend_unpacked)
        if member.method == STORED:
            check_stored(content, member, oddities)
    except BudgetSpent:
        raise
    except Unscannable as reason:
        note(oddities, case)
        case.leave_open(str(reason))
        return
    note(oddities, case)
    inner = case.inside(member.name)
    judgement = Judgement(torchscript=torchscript)
    window = Window(content)
    try:
        outcome = pickle_judge.read_one(window, judgement, inner)
    except BudgetSpent:
        pickle_judge.report(judgement, inner)
        raise
    pickle_judge.report(judgement, inner)
    if outcome.broken is not None:
        inner.leave_open(str(pickle_judge.broke_off(judgement, inner, outcome.broken)))
    elif window.remaining:
        pickle_judge.trailing(content, window.position, inner)
    if member.name.lower().endswith("data.pkl"):
        _compare(judgement, member.name.rsplit("/", 1)[0], tensors, inner, sizes)


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
        elif member.size < count * STORAGE_ITEM_BYTES[cls]:
            case.add(
                "torch-storage-mismatch",
                Severity.MEDIUM,
                f"Tensor data {key[:40]!r} has {member.size:,} bytes, not {count * STORAGE_ITEM_BYTES[cls]:,}.",
                evidence={"storage": key[:40]},
            )

"""The one verb of this package: bytes in, report out. The content decides; the name is a hint."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from scanners.budget import Budget, BudgetSpent, Meter, Unscannable
from scanners.case import Case, Dossier
from scanners.detect import INERT, Format, detect
from scanners.expectations import compare_with_name, kind_of_zip
from scanners.finding import SCANNER_VERSION, Report, Severity
from scanners.reading import CountingSource
from scanners.source import ByteSource, SourceUnavailable

JUDGES: dict[Format, str] = {
    Format.PICKLE: "scanners.formats.pickle.judge:judge",
    Format.TORCH_ZIP: "scanners.formats.torch_zip:judge",
    Format.TORCH_LEGACY: "scanners.formats.torch_legacy:judge",
    Format.SAFETENSORS: "scanners.formats.safetensors:judge",
    Format.ZIP: "scanners.formats.zip_archive:judge",
    Format.NUMPY_ZIP: "scanners.formats.zip_archive:judge",
    Format.YAML: "scanners.formats.plain:judge_yaml",
    Format.PYTHON: "scanners.formats.plain:judge_python",
    Format.SCRIPT: "scanners.formats.plain:judge_script",
    Format.ELF: "scanners.formats.plain:judge_program",
    Format.PE: "scanners.formats.plain:judge_program",
    Format.MACH_O: "scanners.formats.plain:judge_program",
    Format.WASM: "scanners.formats.plain:judge_program",
    Format.JAVA_CLASS: "scanners.formats.plain:judge_program",
    Format.PYTHON_BYTECODE: "scanners.formats.plain:judge_program",
}
"""Format to its judge, imported when first needed. One neither here nor inert is not judged, and says so."""


def scan(source: ByteSource, name: str, *, engines: bool = True, budget: Budget | None = None) -> Report:
    """Judges one file. `name` is its base name. Raises only SourceUnavailable: all else ends as a report."""
    meter = Meter(budget if budget is not None else Budget())
    dossier = Dossier(meter)
    counted = CountingSource(source, meter)
    base_name = name.replace("\\", "/").rsplit("/", 1)[-1]
    case = Case(dossier=dossier, examine_content=examine, name=base_name)
    asked: dict[str, str] = {"curator": SCANNER_VERSION}
    try:
        examine(counted, base_name, case)
        if engines and dossier.streams:
            from scanners.engines.interface import ask

            asked |= ask(case)
    except Unscannable as reason:
        dossier.unscannable.append(str(reason))
    except SourceUnavailable:
        raise
    # The door: whatever a hostile file breaks in a judge, the file is not judged, and nobody crashes.
    except Exception as error:
        dossier.unscannable.append(f"Judging it failed ({type(error).__name__}): {error}"[:300])
    if dossier.imports:
        dossier.facts["imports"] = dict(sorted(dossier.imports.items()))
    return Report(
        format=dossier.format,
        findings=tuple(sorted(dossier.findings, key=lambda finding: -finding.severity.rank)),
        bytes_read=meter.read_bytes,
        unscannable=_sentence(dossier.unscannable),
        metadata=dossier.facts,
        engines=asked,
    )


def examine(source: ByteSource, name: str, case: Case) -> None:
    """Detects and judges one content, of a file or of a member."""
    detected = detect(source, name)
    kind = kind_of_zip(source) if detected.format is Format.ZIP else detected.format
    if case.depth == 0:
        case.dossier.format = kind.value
    compare_with_name(kind, name, case)
    if detected.also is not None:
        case.add(
            "polyglot",
            Severity.MEDIUM,
            f"The file is {kind.value} from its beginning and a {detected.also.value} archive from its end.",
            evidence={"formats": [kind.value, detected.also.value]},
        )
        try:
            _judge(source, detected.also, case)
        except BudgetSpent:
            raise
        except Unscannable as reason:
            case.leave_open(str(reason))
    _judge(source, kind, case)


def _judge(source: ByteSource, kind: Format, case: Case) -> None:
    target = JUDGES.get(kind)
    if target is not None:
        module, function = target.split(":")
        judge: Callable[[ByteSource, Case], None] = getattr(import_module(module), function)
        judge(source, case)
    elif kind is Format.UNKNOWN:
        raise Unscannable("Its format is not known here.")
    elif kind not in INERT:
        raise Unscannable(f"Its format is {kind.value}, which is recognised but not judged by this version.")


def _sentence(open_ends: list[str]) -> str | None:
    if not open_ends:
        return None
    more = len(open_ends) - 1
    return open_ends[0] + (f" ({more} more could not be judged.)" if more else "")

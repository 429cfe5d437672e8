"""modelaudit-picklescan (Promptfoo, MIT): the pickle engine of modelaudit, written in Rust."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from scanners.engines import interface
from scanners.engines.interface import Objection
from scanners.finding import Severity


class ModelauditPicklescan:
    """Its reading of opcodes. What it learns beside that from the sources of installed packages is out of its reach
    here: a scan opens no file."""

    name = "modelaudit-picklescan"

    def version(self) -> str:
        try:
            import modelaudit_picklescan  # noqa: F401

            return version("modelaudit-picklescan")
        except (ImportError, PackageNotFoundError) as error:
            return f"absent: {error}"[:200]

    def objections(self, stream: bytes) -> list[Objection]:
        from modelaudit_picklescan import ScanOptions, ScanStatus, scan_bytes

        options = ScanOptions(timeout_s=interface.LONGEST_TURN_S, max_opcodes=interface.MOST_OPCODES + 1)
        report = scan_bytes(stream, options=options)
        weights = {"critical": Severity.CRITICAL, "warning": Severity.MEDIUM}
        found = [Objection(one.message, weights[one.severity.value]) for one in report.findings]
        if not found and report.status is ScanStatus.ERROR:
            raise ValueError(str(report.errors[0].message if report.errors else "")[:200])
        return found

"""picklescan (Matthieu Maitre, MIT), its reading of pickle streams."""

from __future__ import annotations

import io
from importlib.metadata import PackageNotFoundError, version

from scanners.engines.interface import Objection
from scanners.finding import Severity


class Picklescan:
    """Its list of dangerous names. Names it merely does not know, it calls suspicious, and does not object itself."""

    name = "picklescan"

    def version(self) -> str:
        try:
            import picklescan.scanner  # noqa: F401

            return version("picklescan")
        except (ImportError, PackageNotFoundError) as error:
            return f"absent: {error}"[:200]

    def objections(self, stream: bytes) -> list[Objection]:
        from picklescan.scanner import SafetyLevel, scan_pickle_bytes

        weights = {SafetyLevel.Dangerous: Severity.CRITICAL, SafetyLevel.Suspicious: Severity.LOW}
        said = {
            SafetyLevel.Dangerous: "is on its list of dangerous names",
            SafetyLevel.Suspicious: "is not known to it",
        }
        result = scan_pickle_bytes(io.BytesIO(stream), "stream", multiple_pickles=False)
        found = [
            Objection(f"{one.module}.{one.name} {said[one.safety]}.", weights[one.safety])
            for one in result.globals
            if one.safety in weights
        ]
        if not found and result.scan_err:
            raise ValueError("It could not read the stream.")
        return found

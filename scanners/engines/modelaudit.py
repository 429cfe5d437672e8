"""modelaudit (Promptfoo, MIT) as a whole, where somebody has installed it: its pickle scanner with all its detectors.

It is an extra (`pip install 'model-curator[modelaudit]'`), for it brings some 80 packages. It reports how it is used to
its makers unless it is told not to, so it is told before it is imported.
"""

from __future__ import annotations

import io
import os
from importlib.metadata import PackageNotFoundError, version

from scanners.engines import interface
from scanners.engines.interface import Objection
from scanners.finding import Severity

SILENCE = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1"}


class Modelaudit:
    """Its scanner of pickles, over a stream in memory: its walk of files would open them."""

    name = "modelaudit"

    def version(self) -> str:
        os.environ.update(SILENCE)
        try:
            import modelaudit.scanners.pickle_scanner  # noqa: F401

            return version("modelaudit")
        except (ImportError, PackageNotFoundError) as error:
            return f"absent: {error}"[:200]

    def objections(self, stream: bytes) -> list[Objection]:
        from modelaudit.scanners.pickle_scanner import PickleScanner

        scanner = PickleScanner({"timeout": interface.LONGEST_TURN_S})
        result = scanner.scan_stream(io.BytesIO(stream), len(stream), "stream.pkl")
        weights = {"critical": Severity.CRITICAL, "warning": Severity.MEDIUM}
        return [
            Objection(issue.message, weights[issue.severity.value])
            for issue in result.issues
            if issue.severity.value in weights
        ]

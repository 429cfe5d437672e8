"""modelscan (Protect AI, Apache-2.0), its reading of pickle streams."""

from __future__ import annotations

import io
import sys
from importlib.metadata import PackageNotFoundError, version

from scanners.engines.interface import Objection
from scanners.finding import Severity


class Modelscan:
    """Its list of unsafe names, over a stream in memory: its own walk of files goes by their extension."""

    name = "modelscan"

    def version(self) -> str:
        if sys.version_info >= (3, 13):
            return "absent: modelscan supports Python below 3.13"
        try:
            import modelscan.scanners
            import modelscan.settings
            import modelscan.tools.picklescanner  # noqa: F401  (after modelscan.scanners: it imports it back)

            return version("modelscan")
        except (ImportError, PackageNotFoundError) as error:
            return f"absent: {error}"[:200]

    def objections(self, stream: bytes) -> list[Objection]:
        from modelscan.model import Model
        from modelscan.settings import DEFAULT_SETTINGS
        from modelscan.tools.picklescanner import scan_pickle_bytes

        settings = DEFAULT_SETTINGS["scanners"]["modelscan.scanners.PickleUnsafeOpScan"] | {
            "unsafe_globals": DEFAULT_SETTINGS["unsafe_globals"]
        }
        results = scan_pickle_bytes(Model("stream.pkl", io.BytesIO(stream)), settings, multiple_pickles=False)
        if results.errors:
            raise ValueError(str(results.errors[0])[:200])
        return [
            Objection(
                f"{issue.details.module}.{issue.details.operator} is on its list of unsafe names.",
                Severity(issue.severity.name.lower()),
            )
            for issue in results.issues
        ]

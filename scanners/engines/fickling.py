"""fickling (Trail of Bits, LGPL-3.0-or-later; used unmodified as a library)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from scanners.engines.interface import Objection
from scanners.finding import Severity


class Fickling:
    """Its analyses of imports and calls, and its list of harmless names for machine learning.

    Its default check is not asked: it objects to every import outside the standard library, PyTorch's included.
    """

    name = "fickling"

    def version(self) -> str:
        try:
            import fickling.analysis
            import fickling.ml  # noqa: F401

            return version("fickling")
        except (ImportError, PackageNotFoundError) as error:
            return f"absent: {error}"[:200]

    def objections(self, stream: bytes) -> list[Objection]:
        from fickling import analysis, ml
        from fickling.fickle import Pickled

        pickled = Pickled.load(stream, fail_on_decode_error=False)
        analyzer = analysis.Analyzer([analysis.UnsafeImports(), analysis.OvertlyBadEvals(), ml.MLAllowlist()])
        # Its severities cannot be hashed, so they are told by name; every one not named here is grave.
        weights = {"POSSIBLY_UNSAFE": Severity.LOW, "SUSPICIOUS": Severity.MEDIUM}
        return [
            Objection(str(result), weights.get(result.severity.name, Severity.HIGH))
            for result in analyzer.analyze(pickled).results
            if result.severity > analysis.Severity.LIKELY_SAFE
        ]

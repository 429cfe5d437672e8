"""What is in a model file, told from its bytes alone: no network, no database, no import of model code."""

from scanners.budget import Budget
from scanners.finding import Confidence, Finding, Report, Severity, Verdict, Where
from scanners.scan import scan
from scanners.source import ByteSource, FileSource, MemorySource, SourceUnavailable

__all__ = [
    "Budget",
    "ByteSource",
    "Confidence",
    "FileSource",
    "Finding",
    "MemorySource",
    "Report",
    "Severity",
    "SourceUnavailable",
    "Verdict",
    "Where",
    "scan",
]

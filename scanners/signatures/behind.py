"""What stands behind the beginning of another format, where its readers look for it."""

from __future__ import annotations

from scanners.kinds import INERT, Format
from scanners.signatures.tensorflow import GRAPH_NAMES, is_message
from scanners.source import ByteSource

HDF5 = b"\x89HDF\r\n\x1a\n"
HDF5_NAMES = (".h5", ".hdf5", ".hdf", ".h5ad", ".keras", ".weights", ".mat", ".nc", ".he5")
FIRST_PLACE = 512
LAST_PLACE_ANYWHERE = 8 * 1024
"""Within what every file is asked for anyway; of a file that is called HDF5, all places are looked at."""
_HOLDS_FILES = frozenset({Format.HDF5, Format.ZIP, Format.TAR})
"""HDF5 itself, and archives, whose members are judged."""
_GRAPHS = frozenset({Format.TENSORFLOW_FINGERPRINT, Format.TENSORFLOW_INDEX, Format.TENSORFLOW_DATA, Format.TF_RECORD})

_PICTURES = frozenset({Format.PDF, Format.PNG, Format.JPEG, Format.GIF, Format.WEBP, Format.BMP, Format.ICO})
"""Plain data as well, though a judge looks into it."""


def has_hdf5_behind(source: ByteSource, kind: Format, name: str) -> bool:
    """HDF5 may begin at 512 bytes or a power of two more, and its library does not look at what is before."""
    if kind in _HOLDS_FILES:
        return False
    last = source.size if name.endswith(HDF5_NAMES) else LAST_PLACE_ANYWHERE
    at = FIRST_PLACE
    while at + len(HDF5) <= min(last, source.size):
        if source.read(at, len(HDF5)) == HDF5:
            return True
        at *= 2
    return False


def has_graph_behind(source: ByteSource, kind: Format, name: str) -> bool:
    """A protobuf message may begin with a field that nobody knows: one that reads `%PDF` or as a picture begins."""
    return (
        (kind in INERT or kind in _PICTURES)
        and kind not in _GRAPHS
        and name.endswith(GRAPH_NAMES)
        and is_message(source)
    )

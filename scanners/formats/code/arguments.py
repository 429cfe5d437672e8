"""What a call is given, where that says more than its name: addresses in memory, inputs that go to a host."""

from __future__ import annotations

import re

from scanners.formats.code.knowledge import MODULES_THAT_CAN_ALL, Power, power_of
from scanners.formats.code.values import UNKNOWN, Value

PROTOTYPES = frozenset({"ctypes.CFUNCTYPE()", "ctypes.WINFUNCTYPE()", "ctypes.PYFUNCTYPE()"})
_ADDRESSES = re.compile(r"addressof|cast\(|VirtualAlloc|valloc|mmap|memalign|from_buffer|c_void_p")
_WEIGHTS = re.compile(r"\.(?:state_dict|named_parameters|parameters)\(\)")
PAYLOAD = frozenset({"data", "json", "content", "files", "body", "params", "fields", "payload"})
SENDS = re.compile(
    r"\.(?:get|post|put|patch|delete|head|request|stream|send\w*|connect(?:_ex)?|urlopen|open|login|stor\w+|upload\w*"
    r"|create_\w+|push_to_hub|delete_\w+|exec_command|[A-Z]\w+|system|popen|exec\w*|dlopen|mprotect|ptrace)$"
)
"""What is done with a connection or a library once it is there."""


def all_of(arguments: list[Value], keywords: dict[str, Value]) -> list[Value]:
    """All arguments of a call."""
    return [*arguments, *keywords.values()]


def can_do(value: Value) -> bool:
    """Whether a function that is given it can do more than compute."""
    return value.path in MODULES_THAT_CAN_ALL or (bool(value.path) and power_of(value.path) is not None)


def is_address(value: Value) -> bool:
    """Whether it is a place in memory rather than a function."""
    return isinstance(value.constant, int) or _ADDRESSES.search(value.path) is not None


def is_executable(protection: Value) -> bool:
    """Of `mmap(prot=...)`: PROT_EXEC is 4 (POSIX, sys/mman.h)."""
    return isinstance(protection.constant, int) and bool(protection.constant & 4)


def sends_inputs(path: str, address: str, arguments: list[Value], keywords: dict[str, Value]) -> bool:
    """Whether what the function was given goes to an address that stands in the code."""
    if not address.startswith("http") or address.partition("://")[2].startswith("*"):
        return False
    payload = [*arguments[1:], *(value for name, value in keywords.items() if name in PAYLOAD)]
    first = arguments[0] if arguments else keywords.get("url", UNKNOWN)
    if first.path == "urllib.request.Request()" or "?" in address:
        payload.append(first)
    sends = SENDS.search(path) is not None
    return sends and any(Power.INPUT in value.tags or _WEIGHTS.search(value.path) for value in payload)

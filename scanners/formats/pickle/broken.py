"""What the machine says when a pickle cannot go on."""

from __future__ import annotations


class BrokenPickle(Exception):
    """No unpickler gets past here; the message is the end of a sentence that begins with "the pickle"."""

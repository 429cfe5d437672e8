"""One POST to a webhook: to an address that was looked at, with no redirect, in bounded time, reading little."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curator.notify.addresses import Place

_CONNECT_S = 5.0
_WHOLE_S = 15.0
_MOST_ADDRESSES = 4
"""Of one name: whoever owns it may give it hundreds, each of which would be waited for."""
_MOST_READ = 2_048
MOST_KEPT = 300


class NoAnswer(Exception):
    """There was none, or none that can be understood; says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said."""

    status: int
    text: str
    """The first letters of it, printable."""
    retry_after: str | None


def post(
    place: Place, addresses: Sequence[str], headers: Mapping[str, str], body: bytes, tls: ssl.SSLContext
) -> Answer:
    """Raises `NoAnswer`."""
    end = time.monotonic() + _WHOLE_S
    connection = http.client.HTTPConnection(place.host, place.port, timeout=_WHOLE_S)
    try:
        connected = _connect(place, addresses[:_MOST_ADDRESSES], tls, end)
    except OSError as error:
        raise NoAnswer(_why(error)) from error
    connection.sock = connected
    alarm = _alarm(connected, end)
    try:
        connection.request("POST", place.target, body, {"Host": place.authority, **headers})
        response = connection.getresponse()
        read = response.read(_MOST_READ)
        return Answer(response.status, _printable(read), response.getheader("Retry-After"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = time.monotonic() >= end
        raise NoAnswer(f"it did not answer within {_WHOLE_S:.0f} s" if late else _why(error)) from error
    finally:
        alarm.cancel()
        connection.close()
        connected.close()


def _connect(place: Place, addresses: Sequence[str], tls: ssl.SSLContext, end: float) -> socket.socket:
    failure: OSError = OSError("it has no address")
    for address in addresses:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            plain = socket.create_connection((address, place.port), min(_CONNECT_S, left))
        except OSError as error:
            failure = error
            continue
        plain.settimeout(_WHOLE_S)
        if not place.https:
            return plain
        try:
            return _secured(plain, place.host, tls, end)
        except OSError as error:
            failure = error
    raise failure


def _secured(plain: socket.socket, host: str, tls: ssl.SSLContext, end: float) -> ssl.SSLSocket:
    try:
        wrapped = tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    alarm = _alarm(wrapped, end)
    try:
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    finally:
        alarm.cancel()
    return wrapped


def _alarm(connected: socket.socket, end: float) -> threading.Timer:
    """Whatever arrives a letter at a time, also of a handshake, ends with this: it keeps a thread for no longer."""
    alarm = threading.Timer(max(end - time.monotonic(), 0.1), _hang_up, [connected])
    alarm.daemon = True
    alarm.start()
    return alarm


def _hang_up(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not that of a TLS socket, which would take the session from the thread that is reading.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"nobody whom this machine trusts vouches for its certificate ({error.verify_message}): name the company's "
            "own authority with CURATOR_UPSTREAM_CA"
        )
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _printable((said or type(error).__name__).encode())[:200]


def _printable(read: bytes) -> str:
    text = read.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:MOST_KEPT].strip()

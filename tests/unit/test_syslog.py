"""What is sent to syslog comes there, whatever becomes of the connection."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curator.audit import syslog
from curator.audit.read import Filter, page
from curator.audit.record import Action, AuditEvent, append
from curator.audit.syslog import Forwarder, Target, forget
from curator.audit.tables import AuditFollowerRow
from curator.database.engine import Database
from curator.errors import BadSettings
from tests.certificates import make_certificates
from tests.unit.test_verify import fill


class Receiver:
    """Takes messages with their length in front, when it is asked to."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"

    def take(self, count: int) -> list[str]:
        """From the next connection."""
        connection, _ = self.listener.accept()
        return self.read(connection, count)

    def read(self, connection: socket.socket, count: int) -> list[str]:
        messages = []
        with connection.makefile("rb") as stream:
            for _ in range(count):
                length = b""
                while (one := stream.read(1)) != b" ":
                    length += one
                messages.append(stream.read(int(length)).decode())
        return messages


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.listener.close()


def seqs(messages: list[str]) -> list[int]:
    return [int(message.split('seq="')[1].split('"')[0]) for message in messages]


def test_a_row_comes_whole_with_its_place_in_the_chain(database: Database, receiver: Receiver) -> None:
    fill(database, 3)
    assert Forwarder(database, Target(receiver.url)).step() == 3
    messages = receiver.take(3)
    assert seqs(messages) == [1, 2, 3]
    with database.read() as session:
        newest = page(session, Filter())[0]
    head, _, text = messages[2].partition("] ")
    assert head.startswith("<110>1 ")
    assert f' download [curator@32473 seq="3" chain="{newest.chain.hex()}"' in head
    assert json.loads(text) == newest.as_json()


def test_nothing_is_left_out_while_the_receiver_is_away(database: Database, receiver: Receiver) -> None:
    target = Target(receiver.url)
    forwarder = Forwarder(database, target)
    fill(database, 2)
    assert forwarder.step() == 2
    connection, _ = receiver.listener.accept()
    assert seqs(receiver.read(connection, 2)) == [1, 2]
    connection.close()
    fill(database, 2, start=2)
    # The system takes what nobody reads: the receiver is gone, and that is seen, so these rows are sent again.
    for _ in range(3):
        try:
            forwarder.step()
        except OSError:
            continue
    with database.read() as session:
        place = session.get(AuditFollowerRow, syslog.FOLLOWER)
    assert place is not None
    assert place.seq == 4
    assert seqs(receiver.take(2)) == [3, 4]


def test_a_program_that_dies_between_sending_and_remembering_sends_again(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, 2)
    target = Target(receiver.url)

    def sends_and_dies(messages: list[bytes]) -> None:
        Target.send(target, messages)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(target, "send", sends_and_dies)
        with pytest.raises(KeyboardInterrupt):
            Forwarder(database, target).step()
    assert Forwarder(database, Target(receiver.url)).step() == 2
    assert seqs(receiver.take(2)) == seqs(receiver.take(2)) == [1, 2]


def test_a_receiver_that_shows_no_certificate_of_ours_gets_nothing(database: Database, receiver: Receiver) -> None:
    fill(database, 1)
    receiver.listener.settimeout(5)
    url = receiver.url.replace("tcp", "tls").replace("127.0.0.1", "localhost")

    threading.Thread(target=lambda: receiver.listener.accept()[0].sendall(b"no TLS"), daemon=True).start()
    with pytest.raises((ssl.SSLError, OSError)):
        Forwarder(database, Target(url)).step()
    with database.read() as session:
        assert session.get(AuditFollowerRow, syslog.FOLLOWER) is None


def test_over_tls_rows_come_to_the_receiver_of_the_authority_that_was_named(
    database: Database, receiver: Receiver, tmp_path: Path
) -> None:
    fill(database, 2)
    made = make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.server)
    taken: list[str] = []
    # Until then it stays open: what is sent to one that closes is sent again.
    sent = threading.Event()

    def take() -> None:
        plain, _ = receiver.listener.accept()
        with context.wrap_socket(plain, server_side=True) as connection:
            taken.extend(receiver.read(connection, 2))
            sent.wait(10)

    taking = threading.Thread(target=take, daemon=True)
    taking.start()
    url = receiver.url.replace("tcp://127.0.0.1", "tls://localhost")
    assert Forwarder(database, Target(url, made.authority)).step() == 2
    sent.set()
    taking.join(10)
    assert seqs(taken) == [1, 2]


def test_datagrams_and_the_socket_of_the_machine_are_taken(database: Database, tmp_path: Path) -> None:
    fill(database, 2)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own,
    ):
        udp.bind(("127.0.0.1", 0))
        own.bind(str(tmp_path / "log"))
        for listening, url in ((udp, f"udp://127.0.0.1:{udp.getsockname()[1]}"), (own, f"unix://{tmp_path}/log")):
            listening.settimeout(10)
            assert Forwarder(database, Target(url)).step() == 2
            assert seqs([listening.recv(65_536).decode() for _ in range(2)]) == [1, 2]
            forget(database)


@pytest.mark.parametrize("url", ["", "x", "tcp://", "http://host:1", "tls://host:99999", "unix://", "udp://host:0/x"])
def test_an_address_that_is_none_is_told_at_the_start(url: str) -> None:
    with pytest.raises(BadSettings, match="CURATOR_SYSLOG_URL"):
        Target(url)


def test_a_row_that_fits_into_no_datagram_is_shortened_and_keeps_no_other_back(database: Database) -> None:
    """Somebody who may choose its texts would end the sending for good."""
    texts: dict[str, Any] = dict.fromkeys(
        ("path", "sentence", "revision", "subject", "user_agent", "job"), "\U0001f600" * 2_000
    )
    event = AuditEvent(action=Action.REFUSE, actor="mallory", kind=None, repo="x", outcome="error", **texts)
    fill(database, 1)
    with database.write() as session:
        append(session, event)
    fill(database, 1, start=2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(10)
        assert Forwarder(database, Target(f"udp://127.0.0.1:{udp.getsockname()[1]}")).step() == 3
        messages = [udp.recv(65_536).decode() for _ in range(3)]
    assert seqs(messages) == [1, 2, 3]
    document = json.loads(messages[1].partition("] ")[2])
    assert (document["shortened"], document["actor"], document["id"]) == (True, "mallory", event.id)
    assert document["sentence"] == "\U0001f600" * 200
    assert "\n" not in "".join(messages)

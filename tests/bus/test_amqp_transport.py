"""The socket of a connection: frames arrive whole however they are cut, many a read, many a write."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import amqp
import pytest
from amqp.exceptions import UnexpectedFrame
from amqp.method_framing import frame_writer
from amqp.serialization import dumps
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from kombu import Connection

from shared.bus.amqp_transport import BODY, FRAME_HEAD, WRITE_BYTES, BufferedConnection, persistent, publishing
from shared.bus.connection import drain, open_connection
from shared.bus.publisher import AmqpPublisher, Outgoing
from shared.bus.topology import INTERNAL, Queue, routing_key
from tests.bus.world import an_event
from tests.support.processes import free_port

FRAME_MAX = 131_072
QUEUE = Queue(name="wire", service="x", bindings=((INTERNAL, "#"),))


def frame(body: bytes, end: bytes = b"\xce") -> bytes:
    return FRAME_HEAD.pack(BODY, 1, len(body)) + body + end


@contextmanager
def connected(certificate: Path | None = None) -> Iterator[tuple[Any, Any]]:
    """A transport as a connection of ours makes it, and the broker's end of its socket."""
    ends: list[Any] = []
    tls: ssl.SSLContext | None = None
    options: Any = False
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        options = {"ca_certs": str(certificate), "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "broker"}
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            end, _ = server.accept()
            ends.append(tls.wrap_socket(end, server_side=True) if tls else end)

        thread = threading.Thread(target=accept)
        thread.start()
        transport = BufferedConnection("unused").Transport(f"127.0.0.1:{server.getsockname()[1]}", 5, ssl=options)
        transport.connect()
        thread.join(10)
    (end,) = ends
    assert end.recv(8) == b"AMQP\x00\x00\x09\x01"
    try:
        yield transport, end
    finally:
        transport.close()
        end.close()


def read(transport: Any, seconds: float = 0) -> Any:
    """Read as py-amqp does; None where nothing has arrived in time."""
    try:
        with transport.having_timeout(seconds):
            return transport.read_frame()
    except TimeoutError:
        return None


@given(bodies=st.lists(st.binary(max_size=40), min_size=1, max_size=8), data=st.data())
def test_frames_arrive_whole_and_in_order_however_the_stream_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, bodies))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=6)) | {0, len(stream)})
    with connected() as (transport, end):
        arrived = []
        for begin, stop in pairwise(cuts):
            end.sendall(stream[begin:stop])
            whole = sum(len(b"".join(map(frame, bodies[: n + 1]))) <= stop for n in range(len(bodies)))
            while len(arrived) < whole:
                arrived.append(read(transport, 5))
            assert read(transport) is None
        assert arrived == [(BODY, 1, body) for body in bodies]


def test_one_read_takes_all_that_has_arrived() -> None:
    with connected() as (transport, end):
        end.sendall(b"".join(frame(b"%d" % number) for number in range(500)))
        reads = counted(transport, "_quick_recv")
        arrived = [read(transport, 5) for _ in range(500)]
        assert arrived == [(BODY, 1, b"%d" % number) for number in range(500)]
        assert len(reads) < 20


def test_a_frame_that_does_not_end_as_one_breaks_the_connection() -> None:
    with connected() as (transport, end):
        end.sendall(frame(b"a", end=b"\x00"))
        with pytest.raises(UnexpectedFrame):
            transport.read_frame()


def test_a_broker_that_hangs_up_in_a_frame_is_a_broken_connection() -> None:
    with connected() as (transport, end):
        end.sendall(frame(b"whole") + frame(b"half")[:-1])
        end.close()
        assert transport.read_frame() == (BODY, 1, b"whole")
        with pytest.raises(ConnectionError):
            transport.read_frame()
        assert not transport.connected


def test_over_tls_as_well(certificate: Path) -> None:
    bodies = [b"x" * size for size in (0, 1, 100_000, 7)]
    with connected(certificate) as (transport, end):
        assert read(transport) is None
        end.sendall(b"".join(map(frame, bodies)) + frame(b"late")[:3])
        assert [read(transport, 5) for _ in bodies] == [(BODY, 1, body) for body in bodies]
        assert read(transport, 0.05) is None
        end.sendall(frame(b"late")[3:])
        assert read(transport, 5) == (BODY, 1, b"late")
        transport.write(b"back")
        assert end.recv(4) == b"back"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A broker's key and certificate, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = signed.add_extension(x509.SubjectAlternativeName([x509.DNSName("broker")]), critical=False)
    pem = tmp_path / "broker.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return pem


@given(
    key=st.text(max_size=60),
    body=st.binary(max_size=300) | st.integers(1, 3).map(lambda times: b"b" * (times * FRAME_MAX)),
    kind=st.text(min_size=1, max_size=40),
    headers=st.dictionaries(st.text(max_size=20), st.text(max_size=20) | st.integers(0, 9), max_size=3),
)
def test_a_message_is_published_in_the_bytes_that_the_library_would_write(
    key: str, body: bytes, kind: str, headers: dict[str, Any]
) -> None:
    ours = publishing(3, FRAME_MAX, exchange=INTERNAL, key=key, properties=persistent(kind, "id-1", headers), body=body)
    written = bytearray()
    connection: Any = SimpleNamespace(frame_max=FRAME_MAX, bytes_sent=0)
    write = frame_writer(connection, SimpleNamespace(write=written.extend))
    message = amqp.Message(body, content_type=kind, application_headers=headers, delivery_mode=2, message_id="id-1")
    write(1, 3, amqp.spec.Basic.Publish, dumps("Bssbb", (0, INTERNAL, key, True, False)), message)
    assert ours == written


def outgoing() -> Outgoing:
    event = an_event()
    return Outgoing(exchange=INTERNAL, key=routing_key("demo", event.type), body=event.to_json(), id=event.id)


@pytest.fixture
def emptied(amqp_url: str) -> Iterator[str]:
    yield amqp_url
    with Connection(amqp_url) as connection:
        connection.default_channel.queue_delete(QUEUE.name)


def counted(thing: Any, name: str) -> list[int]:
    """Count the calls of a thing's function from now on."""
    calls: list[int] = []
    function: Callable[..., Any] = getattr(thing, name)

    def call(*arguments: Any) -> Any:
        calls.append(1)
        return function(*arguments)

    setattr(thing, name, call)
    return calls


def test_a_batch_leaves_in_few_writes_and_arrives_in_few_reads_each_message_once(emptied: str) -> None:
    """What this leans on of py-amqp is still what a connection to a broker uses."""
    messages = [outgoing() for _ in range(500)]
    publisher = AmqpPublisher(emptied, [QUEUE])
    publisher.publish([])
    writes = counted(publisher._channel.connection.transport, "_write")
    publisher.publish(messages)
    publisher.close()
    assert len(writes) <= 2 + sum(len(m.body) + 500 for m in messages) / WRITE_BYTES

    connection = open_connection(emptied)
    reads = counted(connection.connection.transport, "_quick_recv")
    arrived: list[Any] = []
    channel: Any = connection.channel()
    channel.basic_consume(QUEUE.name, callback=arrived.append)  # its first messages come with the broker's answer
    while len(arrived) < len(messages):
        drain(connection, 10)
    channel.basic_ack(arrived[-1].delivery_tag, multiple=True)
    channel.close()
    connection.collect()
    assert [bytes(m.body) for m in arrived] == [m.body for m in messages]
    assert not any(m.delivery_info["redelivered"] for m in arrived)
    assert len(reads) < len(messages) / 4


def test_the_next_of_several_brokers_is_reached_in_the_same_way(amqp_url: str) -> None:
    connection = open_connection(f"amqp://127.0.0.1:{free_port()}//;{amqp_url}")
    assert isinstance(connection.connection, BufferedConnection)
    connection.collect()

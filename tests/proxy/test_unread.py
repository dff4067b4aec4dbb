"""A head that never ends is ended by us where uvicorn parses with httptools; real connections to a real uvicorn."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from governance.proxy import unread
from tests.patience import ANSWER_S

HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
ORIGINAL = {name: getattr(HttpToolsProtocol, name) for name in ("data_received", "on_body", "on_message_complete")}


async def app(scope: Any, receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    said = str(size).encode()
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]}
    await send(head)
    await send({"type": "http.response.body", "body": said})


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    assert unread.bound()
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="httptools", lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()
    server.should_exit = True
    thread.join()
    for name, method in ORIGINAL.items():
        setattr(HttpToolsProtocol, name, method)


def answer(connection: socket.socket) -> bytes:
    """All up to the end of what an answer says; b"" where the connection was ended without one."""
    said = b""
    while b"\r\n\r\n" not in said or len(said.partition(b"\r\n\r\n")[2]) < length(said):
        some = connection.recv(65536)
        if not some:
            break
        said += some
    return said


def length(said: bytes) -> int:
    return int(said.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def sent_for_ever(address: tuple[str, int], first: bytes, again: bytes) -> tuple[int, bytes]:
    """How much was taken until the server ended it, and what it said."""
    with socket.create_connection(address, timeout=ANSWER_S) as connection:
        connection.sendall(first)
        taken = len(first)
        try:
            while taken < 64 << 20:
                connection.sendall(again)
                taken += len(again)
        except OSError:
            pass
        try:
            return taken, answer(connection)
        except OSError:
            return taken, b""


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (HEAD + b"x: ", b"a" * 4096),
        (HEAD, b"x: a\r\n" * 700),
        (b"POST /", b"a" * 4096),
        (CHUNKED + b"2\r\nhi\r\n0\r\nx: ", b"a" * 4096),
        (CHUNKED + b"2\r\nhi\r\n0\r\n", b"x: a\r\n" * 700),
        (CHUNKED + b"2;", b"a" * 4096),
    ],
    ids=["one header", "many headers", "path", "one trailer", "many trailers", "words about a chunk"],
)
def test_what_goes_on_for_ever_is_ended(address: tuple[str, int], first: bytes, again: bytes) -> None:
    taken, said = sent_for_ever(address, first, again)

    assert taken < 32 << 20
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("sent", "size"),
    [
        (HEAD + b"content-length: 3000000\r\n\r\n" + b"a" * 3_000_000, b"3000000"),
        (CHUNKED + b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n", b"100000"),
        (HEAD + b"x: " + b"a" * 60_000 + b"\r\ncontent-length: 2\r\n\r\nhi", b"2"),
    ],
    ids=["a long body", "a body in chunks of a byte", "a long head"],
)
def test_what_has_an_end_is_read_as_before(address: tuple[str, int], sent: bytes, size: bytes) -> None:
    with socket.create_connection(address, timeout=ANSWER_S) as connection:
        for _ in range(3):
            connection.sendall(sent)

            said = answer(connection)

            assert said.startswith(b"HTTP/1.1 200 ")
            assert said.endswith(b"\r\n\r\n" + size)

"""A server that is silent for a while: who has waited in vain fails alone, and who waits in a queue does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from governance.ledger.connection import Address, Connection, ConnectionLost, NoAnswer
from tests.patience import tries

TIMEOUT_S = 1.0
PING = b"*1\r\n$4\r\nPING\r\n"


class Slow:
    """Answers each command when it is told to; the first, with which a connection begins, at once."""

    def __init__(self) -> None:
        self.asked = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while data := await reader.read(65_536):
            begins = not self.asked
            self.asked += data.count(b"PING")
            if begins:
                self.answer()

    def answer(self, most: int = 1) -> None:
        self._writers[-1].write(b"+PONG\r\n" * most)

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@pytest.fixture
async def slow() -> AsyncIterator[tuple[Slow, Connection]]:
    server = Slow()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    address = Address("127.0.0.1", listening.sockets[0].getsockname()[1])
    connection = await Connection.open(address, asyncio.get_running_loop().time() + 30, TIMEOUT_S)
    yield server, connection
    connection.lose(ConnectionLost("the test is over"))
    server.hang_up()
    listening.close()


def send(connection: Connection) -> asyncio.Future[object]:
    return connection.send(PING, asyncio.get_running_loop().time() + TIMEOUT_S)


async def test_who_has_waited_in_vain_fails_alone_and_later_calls_get_their_own_answers(
    slow: tuple[Slow, Connection],
) -> None:
    server, connection = slow
    first = send(connection)
    await asyncio.sleep(0.7 * TIMEOUT_S)
    second = send(connection)
    with pytest.raises(NoAnswer):
        await first
    server.answer(2)

    assert await second == b"PONG" or await second == "PONG"
    assert connection.lost is None


async def test_a_connection_that_stays_silent_is_given_up(slow: tuple[Slow, Connection]) -> None:
    _, connection = slow
    calls = [send(connection)]
    with pytest.raises(NoAnswer):
        await calls[0]
    calls.append(send(connection))
    with pytest.raises(NoAnswer):
        await calls[1]

    assert isinstance(connection.lost, NoAnswer)


async def test_a_queue_of_this_process_is_not_taken_for_a_server_that_hangs(slow: tuple[Slow, Connection]) -> None:
    server, connection = slow
    calls = [send(connection) for _ in range(6)]
    for call in calls[:-1]:
        # One answer after the other, all of them together longer than a timeout.
        await asyncio.sleep(0.3 * TIMEOUT_S)
        server.answer()
        await call
    server.answer()

    assert await calls[-1]


async def test_what_many_ask_for_at_once_is_not_all_sent_at_once(slow: tuple[Slow, Connection]) -> None:
    server, connection = slow
    calls = [send(connection) for _ in range(100)]
    for answered in range(1, 101):
        await until(lambda answered=answered: server.asked > min(answered + 31, 100))  # type: ignore[misc]
        assert server.asked <= 1 + answered + 31, "with the one that a connection begins with"
        server.answer()
        await calls[answered - 1]


async def test_what_was_not_sent_in_time_is_not_sent_later_and_who_went_away_has_still_asked(
    slow: tuple[Slow, Connection],
) -> None:
    server, connection = slow
    calls = [send(connection) for _ in range(34)]
    late = connection.send(PING, asyncio.get_running_loop().time() + 30)
    calls[32].cancel()
    for call in calls[:32] + calls[33:]:
        with pytest.raises(NoAnswer):
            await call
    server.answer(32)
    await until(lambda: server.asked == 1 + 32 + 2)
    server.answer(2)

    assert await late in (b"PONG", "PONG")


async def until(so: Callable[[], bool]) -> None:
    for _ in tries():
        if so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError

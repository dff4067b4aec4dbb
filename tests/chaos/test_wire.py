"""The wire spoils what it is told to, and nothing else."""

from __future__ import annotations

import asyncio

from tests.chaos.wire import Wire


async def test_a_reply_that_is_not_delayed_any_more_does_not_overtake_one_that_was() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    wire = Wire(server.sockets[0].getsockname()[1])
    await wire.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(b"first")
    assert await reader.readexactly(5) == b"first"
    wire.delay_s = 0.3
    writer.write(b"late ")
    await asyncio.sleep(0.1)
    wire.delay_s = 0.0
    writer.write(b"later")

    assert await reader.readexactly(10) == b"late later"
    writer.close()
    await wire.close()
    server.close()

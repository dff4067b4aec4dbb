"""A Redis that is away, hangs, comes back empty, fails over or forbids things: what each does is in docs/ledger.md."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from governance.ledger import Ledger, Option, open_ledger
from governance.ledger.breaker import NotAsked
from governance.ledger.link import Wire
from governance.ledger.redis import RedisLedger, prefix
from governance.model import Charge, Window
from governance.model.errors import LedgerUnavailable
from tests.ledger.conftest import At
from tests.ledger.servers import Server, free_port, program, running, wait_until

STRICT = Window("strict", "team:a", "requests", 10, 3_600)
LENIENT = Window("lenient", "team:a", "requests", 10, 3_600, on_unavailable="allow")
SHADOW = Window("shadow", "team:a", "requests", 10, 3_600, mode="shadow")


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as own:
        yield own


@pytest.fixture
async def shared(server: Server) -> AsyncIterator[Ledger]:
    # Long enough for a busy machine, short enough to wait for.
    ledger = open_ledger(server.url, timeout_s=2)
    yield ledger
    await ledger.close()


async def reserve(ledger: Ledger, name: str, *windows: Window, options: tuple[Option, ...] = ()):
    charges = [Charge(window, 1) for window in windows]
    return await ledger.reserve(charges, options, reservation_id=name, deadline_s=600)


async def used(ledger: Ledger, window: Window) -> int:
    return (await ledger.read([window]))[0].used


async def until_available(ledger: Ledger) -> None:
    for _ in range(600):
        if (await ledger.health()).reachable:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the ledger has not come back")


async def test_while_the_server_is_dead_each_window_decides_and_afterwards_all_is_as_before(
    server: Server, shared: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await reserve(shared, "1", STRICT)).available
    server.kill()
    with caplog.at_level(logging.WARNING, "governance.ledger"):
        refused = await reserve(shared, "2", LENIENT, STRICT)
        allowed = await reserve(shared, "3", LENIENT, SHADOW)
        free = await reserve(shared, "4")

    assert (refused.granted, refused.available, refused.uncounted) == (False, False, ())
    assert (allowed.granted, allowed.available, allowed.uncounted) == (True, False, (LENIENT, SHADOW))
    assert free.granted
    health = await shared.health()
    assert (health.reachable, health.allowed, health.refused) == (False, 2, 1)
    assert sum("ledger unavailable" in record.message for record in caplog.records) == 1, "once per change"

    server.restart()
    await until_available(shared)
    again = await reserve(shared, "5", STRICT)
    assert (again.granted, again.available) == (True, True)
    assert again.shared[0].used == 0, "restarted empty"
    assert "ledger available again" in caplog.text


async def test_while_the_server_is_dead_the_first_option_that_may_go_uncounted_serves(
    server: Server, shared: Ledger
) -> None:
    server.kill()
    options = (Option("a", [Charge(STRICT, 1)]), Option("b", [Charge(LENIENT, 1)]))
    reserved = await reserve(shared, "1", LENIENT, options=options)

    assert (reserved.granted, reserved.chosen, reserved.uncounted) == (True, 1, (LENIENT, LENIENT))
    assert [option.fits for option in reserved.options] == [False, True]
    moved = await shared.move("1", 1, options[0])
    assert (moved.fits, moved.available) == (False, False)
    assert (await shared.move("1", 1, options[1])).fits


async def test_the_default_for_windows_that_do_not_say_can_be_allow() -> None:
    ledger = open_ledger(f"redis://127.0.0.1:{free_port()}", on_unavailable="allow")

    assert (await reserve(ledger, "1", STRICT)).uncounted == (STRICT,)
    await ledger.close()


async def test_reading_a_ledger_that_is_away_is_an_error() -> None:
    ledger = open_ledger(f"redis://127.0.0.1:{free_port()}")

    with pytest.raises(LedgerUnavailable):
        await ledger.read([STRICT])
    await ledger.close()


async def test_a_server_that_hangs_costs_a_few_requests_the_timeout_and_the_others_nothing(server: Server) -> None:
    link = Wire(At(server.port), prefix("default"), timeout_s=0.5)
    ledger = RedisLedger(link)
    await reserve(ledger, "0", STRICT)
    server.pause()
    not_asked = 0
    try:
        for i in range(40):
            with pytest.raises(LedgerUnavailable) as failure:
                await reserve(ledger, str(i), STRICT)
            not_asked += failure.type is NotAsked
    finally:
        server.resume()

    assert not_asked >= 30, "five found out, and nobody waits any more"
    for _ in range(200):
        with contextlib.suppress(LedgerUnavailable):
            await ledger.read([STRICT])
            break
        await asyncio.sleep(0.05)
    assert (await reserve(ledger, "x", STRICT)).granted
    await ledger.close()


@pytest.mark.parametrize("turns_first", [0, 1, 2], ids=["not sent yet", "just sent", "answered, not read"])
async def test_a_loop_that_was_busy_elsewhere_does_not_blame_the_server(server: Server, turns_first: int) -> None:
    ledger = open_ledger(server.url, timeout_s=0.2)
    await until_available(ledger)
    asking = [asyncio.ensure_future(reserve(ledger, str(i), STRICT)) for i in range(8)]
    for _ in range(turns_first):
        await asyncio.sleep(0)

    time.sleep(1.0)  # noqa: ASYNC251 - what a proxy does that imports things at its first request

    assert all(reserved.available for reserved in await asyncio.gather(*asking))
    await ledger.close()


async def test_a_server_that_restarted_empty_is_told_by_its_epoch(server: Server, shared: Ledger) -> None:
    await reserve(shared, "1", STRICT)
    before = (await shared.health()).epoch_s
    server.kill()
    server.restart()
    await until_available(shared)
    after = (await shared.health()).epoch_s

    assert before is not None
    assert after is not None
    assert after > before
    assert not (await shared.settle("1", {})), "nobody remembers it"
    assert (await shared.move("1", 1, Option("a", [Charge(STRICT, 1)]))).fits, "but the next attempt counts"
    assert await used(shared, STRICT) == 1


async def test_what_was_used_while_the_server_was_away_is_settled_afterwards(server: Server) -> None:
    ledger = open_ledger(server.url, timeout_s=0.5)
    tokens = Window("tokens", "team:a", "tokens", 1_000, 3_600)
    await ledger.reserve([Charge(tokens, 500)], (), reservation_id="1", deadline_s=600)
    await ledger.reserve([Charge(tokens, 100)], (), reservation_id="2", deadline_s=600)
    server.pause()
    try:
        assert await ledger.settle("1", {"tokens": 70})
        await ledger.release("1")
        await ledger.release("2")
        assert (await ledger.health()).owed == 2
    finally:
        server.resume()
    for _ in range(600):
        with contextlib.suppress(LedgerUnavailable):
            await ledger.health()
            if await used(ledger, tokens) == 70:
                break
        await asyncio.sleep(0.05)

    assert await used(ledger, tokens) == 70
    assert (await ledger.health()).owed == 0
    await ledger.close()


async def test_scripts_that_were_flushed_are_sent_again(server: Server, shared: Ledger) -> None:
    await reserve(shared, "1", STRICT)
    server.client().script_flush()

    assert (await reserve(shared, "2", STRICT)).granted
    assert await used(shared, STRICT) == 2


@pytest.mark.parametrize("forbidden", ["-script", "-script -evalsha"])
async def test_a_user_who_may_not_use_script_commands_can_count(server: Server, forbidden: str) -> None:
    server.client().execute_command(
        "ACL", "SETUSER", "gov", "on", ">secret", "~gov:*", "+@all", "-@admin", "-@dangerous", *forbidden.split()
    )
    ledger = open_ledger(f"redis://gov:secret@127.0.0.1:{server.port}/0", timeout_s=2)

    for i in range(2):
        assert (await reserve(ledger, str(i), STRICT)).available
    assert await used(ledger, STRICT) == 2
    await ledger.close()


async def test_a_wrong_password_is_a_ledger_that_is_unavailable_and_says_why(server: Server) -> None:
    server.client().config_set("requirepass", "right")
    ledger = open_ledger(f"redis://:wrong@127.0.0.1:{server.port}", timeout_s=2)

    with pytest.raises(LedgerUnavailable, match="WRONGPASS"):
        await ledger.read([STRICT])
    await ledger.close()


async def test_a_connection_that_the_server_closed_is_opened_again_unnoticed(server: Server, shared: Ledger) -> None:
    await reserve(shared, "1", STRICT)
    server.client().execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    assert (await reserve(shared, "2", STRICT)).available
    assert await used(shared, STRICT) == 2


async def test_a_caller_that_goes_away_does_not_disturb_the_others(server: Server, shared: Ledger) -> None:
    calls = [asyncio.ensure_future(reserve(shared, str(i), LENIENT)) for i in range(8)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)

    assert [not isinstance(answer, BaseException) and answer.granted for answer in answers[1::2]] == [True] * 4
    assert (await reserve(shared, "x", LENIENT)).available


async def test_a_unix_socket_serves_as_well(tmp_path) -> None:
    path = str(tmp_path / "redis.sock")
    with running(unixsocket=path):
        ledger = open_ledger(f"unix://{path}?db=1", timeout_s=2)

        assert (await reserve(ledger, "1", STRICT)).available
        await ledger.close()


@pytest.fixture
def certificate(tmp_path) -> tuple[str, str]:
    """A key, and a certificate for 127.0.0.1 that only it has signed."""
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate]
    subprocess.run([program("openssl"), *made, *subject], check=True, capture_output=True)
    return key, certificate


async def test_tls_is_spoken_and_the_server_must_prove_who_it_is(certificate: tuple[str, str]) -> None:
    key, signed = certificate
    port = free_port()
    files = {"tls_cert_file": signed, "tls_key_file": key, "tls_ca_cert_file": signed}
    with running(tls_port=str(port), tls_auth_clients="no", **files):
        trusting = open_ledger(f"rediss://127.0.0.1:{port}?ssl_ca_certs={signed}", timeout_s=5)
        assert (await reserve(trusting, "1", STRICT)).available
        await trusting.close()
        strict = open_ledger(f"rediss://127.0.0.1:{port}", timeout_s=5)
        with pytest.raises(LedgerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await strict.read([STRICT])
        await strict.close()


async def test_a_cluster_keeps_a_realm_on_one_node_and_is_followed_when_the_slot_moves() -> None:
    with contextlib.ExitStack() as stack:
        nodes = [
            stack.enter_context(
                running(cluster_enabled="yes", cluster_node_timeout="2000", cluster_config_file=f"n{i}")
            )
            for i in range(3)
        ]
        clients = [node.client() for node in nodes]
        for i, client in enumerate(clients):
            first, last = i * 5_462, min(16_383, (i + 1) * 5_462 - 1)
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
        wait_until(
            lambda: (
                all(b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO") for client in clients)
                and all(client.execute_command("CLUSTER", "INFO").count(b"cluster_known_nodes:3") for client in clients)
            ),
            "a cluster of three",
        )
        url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes[:2])
        for realm in ("one", "two", "three", "four"):
            ledger = open_ledger(url, realm=realm, timeout_s=5)
            answers = [
                await reserve(ledger, str(i), STRICT, options=(Option("a", [Charge(LENIENT, 1)]),)) for i in "abc"
            ]
            await ledger.settle("a", {})
            await ledger.close()
            assert all(answer.granted and answer.available for answer in answers)
        holding = [
            sum(1 for _ in client.scan_iter(f"gov:{{{realm}}}:*")) > 0 for realm in ("one",) for client in clients
        ]
        assert sum(holding) == 1

        source = holding.index(True)
        target = (source + 1) % 3
        ledger = open_ledger(url, realm="one", timeout_s=5)
        assert await used(ledger, STRICT) == 3
        slot = clients[0].execute_command("CLUSTER", "KEYSLOT", prefix("one"))
        names = [client.execute_command("CLUSTER", "MYID").decode() for client in clients]
        clients[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
        clients[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
        keys = clients[source].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1_000)
        clients[source].execute_command("MIGRATE", "127.0.0.1", nodes[target].port, "", 0, 5_000, "KEYS", *keys)
        for client in (clients[target], clients[source], clients[3 - source - target]):
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target])

        assert await used(ledger, STRICT) == 3
        assert (await reserve(ledger, "d", STRICT)).available
        await ledger.close()


async def test_a_failover_by_sentinels_is_followed_and_keeps_what_was_replicated() -> None:
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(running())
        replica = stack.enter_context(running(replicaof=f"127.0.0.1 {master.port}"))
        wait_until(lambda: replica.client().info("replication")["master_link_status"] == "up", "a replica")
        watch = (
            f"sentinel monitor gov 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds gov 500\nsentinel failover-timeout gov 2000\n"
        )
        sentinel = Server(lines=watch, sentinel=True)
        stack.callback(sentinel.remove)
        wait_until(
            lambda: sentinel.client().execute_command("SENTINEL", "MASTERS")[0][b"num-slaves"] in (b"1", 1, "1"),
            "a sentinel that knows the replica",
        )
        ledger = open_ledger(f"redis+sentinel://127.0.0.1:{sentinel.port}/gov", timeout_s=2)
        for i in range(3):
            assert (await reserve(ledger, str(i), STRICT)).available
        master.client().wait(1, 5_000)
        master.kill()
        for _ in range(600):
            if (await ledger.health()).reachable and replica.client().info("replication")["role"] == "master":
                break
            await asyncio.sleep(0.05)

        assert await used(ledger, STRICT) == 3
        assert await ledger.settle("0", {})
        assert (await reserve(ledger, "3", STRICT)).available
        await ledger.close()

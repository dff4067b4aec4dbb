"""Why a ledger does not answer, without what its URL says."""

from __future__ import annotations

import socket
import ssl

import hiredis
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.sentinel import MasterNotFoundError

from governance.ledger import open_ledger
from governance.ledger.reasons import reason
from governance.model import Window
from governance.model.errors import LedgerUnavailable

SECRET = "hunter2-of-the-operator"


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate is not valid for '{SECRET}'")
    error.reason, error.verify_message = "CERTIFICATE_VERIFY_FAILED", f"Hostname mismatch for '{SECRET}'"
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            hiredis.ReplyError(f"ERR unknown command 'AUTH', with args beginning with: '{SECRET}'"),
            "ERR: it does not take",
        ),
        (hiredis.ReplyError(f"NOPERM User {SECRET} has no permissions to run this"), "NOPERM: its user may not"),
        (hiredis.ReplyError("WRONGPASS invalid username-password pair"), "WRONGPASS: user or password is not right"),
        (hiredis.ReplyError(f"ERR {SECRET} script: f_1, on @user_script:12: {SECRET}"), "(user_script:12)"),
        (hiredis.ReplyError(f"{SECRET} is what this says"), "an error reply"),
        (certificate_error(), "TLS: CERTIFICATE_VERIFY_FAILED"),
        (socket.gaierror(-2, f"{SECRET} unknown"), "the name of its host is not known to the resolver"),
        (ConnectionRefusedError(111, f"Connect call failed ('{SECRET}', 6379)"), "Connection refused"),
        (OSError(f"Multiple exceptions: {SECRET}"), "OSError"),
        (MasterNotFoundError(f"No master found for '{SECRET}'"), "no sentinel knows a master of that name"),
        (RedisConnectionError(f"Error -2 connecting to {SECRET}"), "it cannot be found: ConnectionError"),
        (UnicodeError(f"label too long: {SECRET}"), "its address cannot be used: UnicodeError"),
        (None, "closed by the server"),
    ],
)
def test_the_kind_is_told_and_not_what_was_said(error: Exception | None, told: str) -> None:
    assert told in reason(error)
    assert SECRET not in reason(error)


@pytest.mark.parametrize("url", [f"redis://{'x' * 70}.{SECRET}", f"redis://u:{SECRET}\udcff@127.0.0.1:1"])
async def test_an_address_that_cannot_be_used_is_a_ledger_that_is_unavailable(url: str) -> None:
    ledger = open_ledger(url, timeout_s=2)
    with pytest.raises(LedgerUnavailable) as away:
        await ledger.read([Window("w", "everyone", "requests", 10, 60)])
    await ledger.close()

    assert SECRET not in str(away.value)

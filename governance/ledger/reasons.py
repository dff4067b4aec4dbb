"""Why a server did not answer, in our own words: those of libraries and servers repeat addresses and passwords."""

from __future__ import annotations

import os
import re
import socket
import ssl
from typing import Final

import hiredis
from redis.exceptions import RedisError
from redis.sentinel import MasterNotFoundError

# Redis, src/server.c (createSharedObjects): the first word of an error reply. What follows may repeat a command's
# arguments: `ERR unknown command 'AUTH', with args beginning with: …`.
_REPLIES: Final = {
    "BUSY": "a script keeps it busy",
    "CLUSTERDOWN": "its cluster is down",
    "ERR": "it does not take what it is sent; is this a Redis that runs scripts, and are user and database right?",
    "LOADING": "it still reads its data",
    "MASTERDOWN": "its master is down",
    "MISCONF": "it cannot save and takes no writes",
    "MOVED": "another node of its cluster has this",
    "NOAUTH": "it wants a password",
    "NOPERM": "its user may not do this",
    "NOREPLICAS": "it has too few replicas to take writes",
    "NOSCRIPT": "it has forgotten the script",
    "OOM": "its memory is full",
    "READONLY": "it is a replica, which takes no writes",
    "WRONGPASS": "user or password is not right",
    "WRONGTYPE": "somebody else has put something under one of our keys",
}
_SCRIPT_LINE: Final = re.compile(r"\buser_script:\d{1,5}\b")


def reason(error: BaseException | None) -> str:
    """One line about what an attempt to ask a server ended with."""
    if error is None:
        return "closed by the server"
    if isinstance(error, hiredis.ReplyError):
        code = str(error).partition(" ")[0]
        line = _SCRIPT_LINE.search(str(error))
        return f"{code}: {_REPLIES[code]}" + (f" ({line[0]})" if line else "") if code in _REPLIES else "an error reply"
    if isinstance(error, ssl.SSLError):
        # A constant of OpenSSL, such as CERTIFICATE_VERIFY_FAILED; its message has the host's name.
        return f"TLS: {error.reason or type(error).__name__}"
    if isinstance(error, socket.gaierror):
        return "the name of its host is not known to the resolver"
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno else type(error).__name__
    if isinstance(error, MasterNotFoundError):
        return "no sentinel knows a master of that name"
    if isinstance(error, RedisError):
        return f"it cannot be found: {type(error).__name__}"
    return f"its address cannot be used: {type(error).__name__}"

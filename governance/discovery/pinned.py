"""Requests to addresses that were checked: a name that changes its mind in between gains nothing.

The name is resolved once for each request, and httpx is given the address. Proxies of the environment are not used,
since they would resolve the name themselves.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

import httpx

from governance.discovery.safety import Origin, check_addresses
from governance.discovery.unlogged import unlogged


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by this machine's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def client(timeout_s: float) -> httpx.AsyncClient:
    """One for requests of `post` and `send`. Raises OSError where the certificates that the environment names cannot be
    read.
    """
    # Reading certificates takes a while; requests of the proxy shall not wait for it.
    named = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return httpx.AsyncClient(
        trust_env=False,
        verify=await asyncio.to_thread(_certificates, *named),
        timeout=timeout_s,
        # A connection that is kept was checked for one host's name and must not serve another one's.
        limits=httpx.Limits(max_connections=4, max_keepalive_connections=0),
    )


async def send(
    by: httpx.AsyncClient,
    method: str,
    url: str,
    origin: Origin,
    addresses: Sequence[str],
    allowed_hosts: Collection[str],
    headers: Mapping[str, str],
    **body: Any,
) -> httpx.Response:
    """The answer, its body unread, of the first address where somebody listens; `localhost` often has two.

    Args:
        addresses: of the origin's host. body: `json` or `content`, as httpx takes them.

    Raises:
        DiscoveryFailed: one of the addresses may not be talked to.
        httpx.TransportError, OSError: nobody answers.
    """
    check_addresses(origin, addresses, allowed_hosts)
    for i, address in enumerate(addresses):
        request = by.build_request(
            method,
            # Nothing of who is asked is left to how another parser reads the URL.
            httpx.URL(url).copy_with(scheme=origin.scheme, host=address, port=origin.port, userinfo=b""),
            headers={**headers, "host": origin.shown},
            extensions={"sni_hostname": origin.host},
            **body,
        )
        try:
            with unlogged():
                return await by.send(request, stream=True)
        except httpx.ConnectError:
            if i == len(addresses) - 1:
                raise
    raise OSError("no address")


@cache
def _certificates(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Whom to believe, by these variables of the environment or by what ships with httpx."""
    return httpx.create_ssl_context(trust_env=True)

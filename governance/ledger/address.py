"""Ledger URLs, and who answers for them now: a server, the master that sentinels name, or a cluster's node."""

from __future__ import annotations

import ssl
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.sentinel import Sentinel

from governance.ledger.connection import Address

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")


class Directory(Protocol):
    """Knows which server to ask."""

    kind: str

    async def find(self, key: str, timeout_s: float) -> Address:
        """The server that answers for `key` now. Raises OSError or redis.exceptions.RedisError when nobody knows."""


class OneServer:
    """`redis://user:password@host:6379/0`, `rediss://` with TLS, `unix:///path/to/redis.sock?db=0`."""

    kind = "redis"

    def __init__(self, url: str) -> None:
        parts = parse_url(url)
        db = int(parts.get("db") or 0)
        self._address = Address(
            parts.get("host", "localhost"),
            int(parts.get("port", 6379)),
            parts.get("path"),
            parts.get("username"),
            parts.get("password"),
            db,
            _tls(dict(parts)) if url.startswith("rediss") else None,
        )

    async def find(self, key: str, timeout_s: float) -> Address:
        return self._address


class Sentinels:
    """`redis+sentinel://user:password@host:26379,host2:26379/master-name/0`; user and password are the server's.

    `?sentinel_username=…&sentinel_password=…` are the sentinels' own.
    """

    kind = "sentinel"

    def __init__(self, url: str) -> None:
        self._hosts, self._user, self._password, path, self._options = _several(url, 26379)
        self._name, _, db = path.partition("/")
        if not self._name:
            raise ValueError("redis+sentinel:// needs the master's name: redis+sentinel://host:26379/mymaster")
        self._db = int(db or 0)
        self._tls = _tls(dict(self._options)) if url.startswith("rediss") else None

    async def find(self, key: str, timeout_s: float) -> Address:
        own: dict[str, Any] = {
            k.removeprefix("sentinel_"): v for k, v in self._options.items() if k.startswith("sentinel_")
        }
        if self._tls is not None:
            own |= {"ssl": True, **_ssl_options(self._options)}
        limits = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s, "max_connections": 4}
        sentinel = Sentinel(self._hosts, sentinel_kwargs={**own, **limits})  # type: ignore[no-untyped-call]
        try:
            host, port = await sentinel.discover_master(self._name)
        finally:
            for client in sentinel.sentinels:
                await client.aclose()
        return Address(str(host), int(port), None, self._user, self._password, self._db, self._tls)


class Cluster:
    """`redis+cluster://user:password@host:6379,host2:6379`. One realm lives in one slot, so one node answers for it."""

    kind = "cluster"

    def __init__(self, url: str) -> None:
        self._hosts, self._user, self._password, _, self._options = _several(url, 6379)
        self._secure = url.startswith("rediss")
        self._tls = _tls(dict(self._options)) if self._secure else None

    async def find(self, key: str, timeout_s: float) -> Address:
        options: dict[str, Any] = {"ssl": True, **_ssl_options(self._options)} if self._secure else {}
        cluster = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in self._hosts],
            username=self._user,
            password=self._password,
            require_full_coverage=False,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            **options,
        )
        try:
            await cluster.initialize()
            node = cluster.get_node_from_key(key)
            if node is None:
                raise OSError("no node of the cluster answers for this realm")
            # Whoever is a member now can be asked next time, when the nodes of the URL are gone.
            for other in cluster.get_nodes():
                if (other.host, other.port) not in self._hosts:
                    self._hosts.append((str(other.host), int(other.port)))
            return Address(str(node.host), int(node.port), None, self._user, self._password, 0, self._tls)
        finally:
            await cluster.aclose()


def directory(url: str) -> Directory:
    """Raises ValueError for a URL that names no ledger."""
    scheme = url.partition("://")[0]
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in ("memory", *SCHEMES))
        raise ValueError(f"`{scheme}://` is no ledger; write one of {known}")
    if scheme.endswith("+sentinel"):
        return Sentinels(url)
    return Cluster(url) if scheme.endswith("+cluster") else OneServer(url)


def _several(url: str, port: int) -> tuple[list[tuple[str, int]], str | None, str | None, str, dict[str, str]]:
    """Hosts, user, password, path and options of a URL with several hosts."""
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    hosts = []
    for place in places.split(","):
        host, _, number = place.rpartition(":") if ":" in place.rpartition("]")[2] else (place, "", "")
        if not host or not (number or str(port)).isdigit():
            raise ValueError(f"`{place}` is no host:port")
        hosts.append((host.strip("[]"), int(number or port)))
    options = dict(parse_qsl(parts.query))
    return hosts, unquote(user) or None, unquote(password) or None, parts.path.strip("/"), options


def _ssl_options(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name.startswith("ssl_")}


def _tls(options: dict[str, Any]) -> ssl.SSLContext:
    given = _ssl_options(options)
    if isinstance(check := given.get("ssl_check_hostname"), str):
        given["ssl_check_hostname"] = check.lower() not in ("false", "no", "0")
    context = SSLConnection(**given).ssl_context.get()
    assert isinstance(context, ssl.SSLContext)  # noqa: S101 - for the type checker: redis-py's is not typed
    return context

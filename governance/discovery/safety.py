"""Which addresses discovery and alerts may talk to: none that a name, a redirect or a mistake could trick it into."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from governance.discovery.source import DiscoveryFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS: Final = {"http": 80, "https": 443}
# Nobody may allow these: they hand out the machine's own credentials, or reach other things than their name says.
_NEVER: Final = (
    (ipaddress.ip_network("169.254.0.0/16"), "link-local and metadata addresses"),
    (ipaddress.ip_network("fe80::/10"), "link-local addresses"),
    (ipaddress.ip_network("fd00:ec2::254/128"), "metadata addresses"),
    (ipaddress.ip_network("fd20:ce::254/128"), "metadata addresses"),
    (ipaddress.ip_network("100.100.100.200/32"), "metadata addresses"),
    (ipaddress.ip_network("168.63.129.16/32"), "metadata addresses"),
    (ipaddress.ip_network("192.0.0.192/32"), "metadata addresses"),
    (ipaddress.ip_network("0.0.0.0/8"), "unspecified addresses"),
    (ipaddress.ip_network("::/128"), "unspecified addresses"),
)
# Not of the public Internet, though Python of some versions takes them for global.
_NOT_PUBLIC: Final = (
    ipaddress.ip_network("fec0::/10"),  # site-local, RFC 3879
    ipaddress.ip_network("2001:db8::/32"),  # documentation, RFC 3849
    ipaddress.ip_network("3fff::/20"),  # documentation, RFC 9637
    ipaddress.ip_network("5f00::/16"),  # segment routing, RFC 9602
    ipaddress.ip_network("2001::/23"),  # protocol assignments, Teredo and ORCHID among them
    ipaddress.ip_network("64:ff9b:1::/48"),  # local-use translation, RFC 8215
    ipaddress.ip_network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    ipaddress.ip_network("192.0.2.0/24"),
    ipaddress.ip_network("198.51.100.0/24"),
    ipaddress.ip_network("203.0.113.0/24"),
)
_TRANSLATED: Final = ipaddress.ip_network("::ffff:0:0:0/96")  # RFC 2765
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL: Final = ipaddress.ip_network("64:ff9b:1::/48")


class Origin(NamedTuple):
    """Who is talked to: a key that is for one origin is for no other."""

    scheme: str
    host: str
    port: int

    @property
    def shown(self) -> str:
        """For messages; without what a URL may carry besides."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS.get(self.scheme) else f"{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """Scheme, host and port of an absolute http(s) URL.

    Raises:
        ValueError: it is none, or carries a user or a password.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no URL; write one such as https://api.example.com/v1") from None
    if parts.scheme not in _PORTS or not host or any(c.isspace() or ord(c) < 32 for c in url.strip()):
        raise ValueError("is no http(s) URL; write one such as https://api.example.com/v1")
    if not host.isascii():
        raise ValueError("must name its host in ASCII, as in xn--bcher-kva.example")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user or a password; give the key as `api_key`")
    return Origin(parts.scheme, host.rstrip(".").lower(), port or _PORTS[parts.scheme])


def check_url(url: str, allowed_hosts: Collection[str]) -> Origin:
    """The origin of a URL that may be asked: https, or http where the host is explicitly allowed.

    Raises:
        ValueError: it may not; says what would be right.
    """
    origin = origin_of(url)
    if origin.scheme != "https" and not is_allowed(origin, allowed_hosts):
        raise ValueError(f"is not https; to reach it all the same, put `{origin.shown}` into `allowed_hosts`")
    return origin


def is_allowed(origin: Origin, allowed_hosts: Collection[str]) -> bool:
    """Whether this host, with any port or with this one, is explicitly allowed."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    allowed = {each.strip().lower() for each in allowed_hosts}
    return bool({origin.host, host, f"{host}:{origin.port}"} & allowed)


def check_addresses(origin: Origin, addresses: Collection[str], allowed_hosts: Collection[str]) -> None:
    """Every address that a host resolves to must be one that may be talked to; a mixed answer is a trick.

    Raises:
        DiscoveryFailed: one of them may not.
    """
    explicit = is_allowed(origin, allowed_hosts)
    for text in addresses:
        given = ipaddress.ip_address(text.partition("%")[0])
        address = _meant(given)
        never = next(
            (what for network, what in _NEVER if address.version == network.version and address in network), ""
        )
        if never or address.is_multicast or address.is_unspecified:
            raise DiscoveryFailed(f"{origin.shown} resolves to {address}; {never or 'multicast'} may not be asked")
        if not explicit and not (given.is_global and _is_public(given) and address.is_global and _is_public(address)):
            raise DiscoveryFailed(
                f"{origin.shown} resolves to the private address {address}; "
                f"put `{origin.shown}` into `catalog.discovery.allowed_hosts` if that is meant"
            )


def _is_public(address: Address) -> bool:
    return not any(address.version == network.version and address in network for network in _NOT_PUBLIC)


def _meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where there is one that will be reached."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and (address in _NAT64 or address in _NAT64_LOCAL or address in _TRANSLATED):
        inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inside is None and int(address) >> 32 == 0 and int(address) > 1:  # ::a.b.c.d, deprecated
        inside = ipaddress.IPv4Address(int(address))
    return inside or address

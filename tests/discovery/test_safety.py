"""Which addresses discovery may talk to."""

from __future__ import annotations

import pytest

from governance.discovery import DiscoveryFailed, check_url
from governance.discovery.safety import Origin, check_addresses, origin_of

ANY = Origin("https", "api.example.com", 443)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com/v1", ("https", "api.example.com", 443)),
        ("https://API.Example.com./v1?x=1", ("https", "api.example.com", 443)),
        ("http://localhost:11434", ("http", "localhost", 11434)),
        ("https://[2001:db8::1]:8443/v1", ("https", "2001:db8::1", 8443)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: tuple[str, str, int]) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://x/y",
        "file:///etc/passwd",
        "https://",
        "https://x:99999/",
        "https://a b/",
        "https://[",
    ],
)
def test_what_is_no_http_url_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        origin_of(url)


@pytest.mark.parametrize("url", ["https://me@example.com", "https://me:secret@example.com", "https://:secret@x"])
def test_a_url_with_a_password_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="must not carry a user") as refused:
        origin_of(url)

    assert "secret" not in str(refused.value)


def test_a_host_is_named_in_ascii_so_that_every_parser_reads_it_alike() -> None:
    with pytest.raises(ValueError, match="in ASCII"):
        origin_of("https://b\u00fccher.example")


def test_http_is_for_hosts_that_are_allowed() -> None:
    check_url("http://10.0.0.5:8000/v1", {"10.0.0.5:8000"})
    check_url("http://10.0.0.5:8000/v1", {"10.0.0.5"})
    check_url("http://Models.Internal", {"models.internal"})
    with pytest.raises(ValueError, match=r"put `10\.0\.0\.5:9000` into `allowed_hosts`"):
        check_url("http://10.0.0.5:9000/v1", {"10.0.0.5:8000"})
    with pytest.raises(ValueError, match="is not https"):
        check_url("http://api.openai.com/v1", ())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "104.18.7.192"])
def test_public_addresses_may_be_asked(address: str) -> None:
    check_addresses(ANY, [address], ())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.5",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",
        "::1",
        "fd00::5",
        "::ffff:10.0.0.5",
        "::7f00:1",
    ],
)
def test_private_addresses_need_an_allowed_host(address: str) -> None:
    check_addresses(ANY, [address], {"api.example.com"})
    with pytest.raises(DiscoveryFailed, match=r"put `api\.example\.com` into `catalog\.discovery\.allowed_hosts`"):
        check_addresses(ANY, [address], {"other.example.com"})


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.1.1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::a9fe:a9fe",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
    ],
)
def test_nobody_can_allow_metadata_link_local_and_nowhere(address: str) -> None:
    with pytest.raises(DiscoveryFailed, match="may not be asked"):
        check_addresses(ANY, [address], {"api.example.com"})


def test_one_bad_address_among_good_ones_is_a_trick() -> None:
    with pytest.raises(DiscoveryFailed):
        check_addresses(ANY, ["8.8.8.8", "127.0.0.1"], ())


@pytest.mark.parametrize(
    "address",
    [
        "::169.254.169.254",
        "::ffff:169.254.169.254",
        "::ffff:0:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
    ],
)
def test_a_metadata_address_in_another_form_is_never_asked(address: str) -> None:
    with pytest.raises(DiscoveryFailed, match="metadata"):
        check_addresses(ANY, [address], ["api.example.com"])


@pytest.mark.parametrize(
    "address",
    [
        "::10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "fec0::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "2001::1",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
    ],
)
def test_what_is_not_of_the_public_internet_must_be_allowed(address: str) -> None:
    with pytest.raises(DiscoveryFailed, match="private"):
        check_addresses(ANY, [address], [])

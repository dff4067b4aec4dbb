"""Asking a provider safely."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from governance.discovery import DiscoveryFailed
from governance.discovery.outbound import Bounds, Outbound
from tests.discovery.fake_provider import Answer, FakeProvider

Open = Callable[..., Outbound]
KEY = "sk-very-secret"
BEARER = {"authorization": f"Bearer {KEY}"}


async def test_json_is_asked_for_with_the_key_and_unpacked(provider: FakeProvider, outbound: Open) -> None:
    provider.says("/v1/models", {"data": []})
    async with outbound(provider.source("openai", key=KEY)) as asking:
        assert await asking.json(f"{provider.url}/v1/models", BEARER) == {"data": []}

    headers = provider.asked[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["host"] == f"127.0.0.1:{provider.port}"
    assert headers["accept-encoding"] == "identity"


async def test_where_it_was_asked_for_is_in_no_log(provider: FakeProvider, outbound: Open, caplog) -> None:
    caplog.set_level("DEBUG")
    provider.says("/a-secret-path/models", {"data": []})
    async with outbound(provider.source("openai")) as asking:
        assert await asking.json(f"{provider.url}/a-secret-path/models") == {"data": []}

    assert "a-secret-path" not in caplog.text


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (401, "401: the key is not accepted"),
        (403, "403: the key may not"),
        (404, "404: there is nothing"),
        (418, "418$"),
    ],
)
async def test_an_error_is_told_without_what_the_provider_says(
    provider: FakeProvider, outbound: Open, status: int, means: str
) -> None:
    provider.on("/x", Answer({"error": f"bad key {KEY}"}, status))
    async with outbound(provider.source("openai", key=KEY)) as asking:
        with pytest.raises(DiscoveryFailed, match=means) as failed:
            await asking.json(f"{provider.url}/x", BEARER)

    assert KEY not in str(failed.value)
    assert len(provider.asked) == 1, "asking again would not help"


async def test_a_passing_trouble_is_waited_out(provider: FakeProvider, outbound: Open, waits: list[float]) -> None:
    provider.on("/x", Answer({}, 503), Answer({}, 429, {"retry-after": "7"}), Answer({"ok": 1}))
    async with outbound(provider.source("openai")) as asking:
        assert await asking.json(f"{provider.url}/x") == {"ok": 1}

    assert waits == [0.5, 7.0]


async def test_a_provider_does_not_make_us_wait_for_ever(
    provider: FakeProvider, outbound: Open, waits: list[float]
) -> None:
    provider.on("/x", Answer({}, 429, {"retry-after": "86400"}))
    async with outbound(provider.source("openai")) as asking:
        with pytest.raises(DiscoveryFailed, match="429: too many requests"):
            await asking.json(f"{provider.url}/x")

    assert waits == [10.0, 10.0]
    assert len(provider.asked) == 3


@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b"[" * 50_000, b"\xff\xfe\x00"])
async def test_garbage_is_no_json(provider: FakeProvider, outbound: Open, body: bytes) -> None:
    provider.on("/x", Answer(body))
    async with outbound(provider.source("openai")) as asking:
        with pytest.raises(DiscoveryFailed, match="not JSON"):
            await asking.json(f"{provider.url}/x")


async def test_a_huge_answer_is_not_read_to_its_end(provider: FakeProvider, outbound: Open) -> None:
    provider.on("/x", Answer(b"x" * 5_000_000))
    async with outbound(provider.source("openai")) as asking:
        with pytest.raises(DiscoveryFailed, match="more than 100,000 bytes"):
            await asking.json(f"{provider.url}/x")


async def test_a_packed_answer_is_not_unpacked(provider: FakeProvider, outbound: Open) -> None:
    provider.on("/x", Answer(b"\x1f\x8b", headers={"content-encoding": "gzip"}))
    async with outbound(provider.source("openai")) as asking:
        with pytest.raises(DiscoveryFailed, match="packs its answers"):
            await asking.json(f"{provider.url}/x")


async def test_a_provider_that_hangs_is_left(provider: FakeProvider, outbound: Open) -> None:
    provider.on("/x", Answer(hangs=True))
    async with outbound(provider.source("openai"), Bounds(request_s=0.05)) as asking:
        with pytest.raises(DiscoveryFailed, match=r"did not answer within 0\.05 s"):
            await asking.json(f"{provider.url}/x")


async def test_a_port_where_nobody_listens_is_told(outbound: Open) -> None:
    async with FakeProvider().running() as closed:
        source = closed.source("openai")
    async with outbound(source) as asking:
        with pytest.raises(DiscoveryFailed, match="cannot be reached: ConnectError"):
            await asking.json(f"{source.api_base}/x")


async def test_a_redirect_within_the_same_origin_is_followed(provider: FakeProvider, outbound: Open) -> None:
    provider.on("/x", Answer(b"", 308, {"location": "/y"}))
    provider.says("/y", [1])
    async with outbound(provider.source("openai", key=KEY)) as asking:
        assert await asking.json(f"{provider.url}/x", BEARER) == [1]


async def test_the_key_is_never_sent_to_where_a_redirect_points(provider: FakeProvider, outbound: Open) -> None:
    async with FakeProvider().running() as other:
        provider.on("/x", Answer(b"", 302, {"location": f"{other.url}/x"}))
        async with outbound(provider.source("openai", key=KEY)) as asking:
            with pytest.raises(DiscoveryFailed, match="what it is told is not for that"):
                await asking.json(f"{provider.url}/x", BEARER)

        assert other.asked == []


async def test_the_key_is_only_for_the_configured_origin(provider: FakeProvider, outbound: Open) -> None:
    async with FakeProvider().running() as other, outbound(provider.source("openai", key=KEY)) as asking:
        with pytest.raises(DiscoveryFailed, match="the key is not for 127"):
            await asking.json(f"{other.url}/x", BEARER)

        assert other.asked == []


async def test_a_page_is_asked_for_without_the_key_and_may_move(provider: FakeProvider, outbound: Open) -> None:
    async with FakeProvider().running() as other:
        other.on("/docs", Answer(b"<p>models</p>"))
        provider.on("/docs", Answer(b"", 301, {"location": f"{other.url}/docs"}))
        async with outbound(provider.source("documentation", key=KEY)) as asking:
            assert await asking.page(f"{provider.url}/docs") == "<p>models</p>"

        assert KEY not in str([*provider.asked, *other.asked])


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://example.com/docs", "is not https"),
        ("http://169.254.169.254/latest/meta-data", "is not https"),
        ("https://169.254.169.254/latest/meta-data", "may not be asked"),
        ("file:///etc/passwd", "is no http"),
        ("https://user:pw@example.com/", "must not carry"),
    ],
)
async def test_a_page_does_not_lead_anywhere(provider: FakeProvider, outbound: Open, location: str, why: str) -> None:
    provider.on("/docs", Answer(b"", 302, {"location": location}))
    async with outbound(provider.source("documentation")) as asking:
        with pytest.raises(DiscoveryFailed, match=why):
            await asking.page(f"{provider.url}/docs")


async def test_redirects_end(provider: FakeProvider, outbound: Open) -> None:
    provider.on("/docs", Answer(b"", 302, {"location": "/docs"}))
    async with outbound(provider.source("documentation")) as asking:
        with pytest.raises(DiscoveryFailed, match="redirects more than 3 times"):
            await asking.page(f"{provider.url}/docs")


async def test_a_name_that_changes_its_mind_gains_nothing(provider: FakeProvider, outbound: Open) -> None:
    """DNS rebinding: public when it is checked, private when it is connected to."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    source = replace(
        provider.source("openai"), allowed_hosts=frozenset(), api_base=f"https://evil.test:{provider.port}"
    )
    async with outbound(source, Bounds(request_s=0.2), resolve=rebinding) as asking:
        with pytest.raises(DiscoveryFailed, match="resolves to the private address"):
            await asking.json(f"{source.api_base}/x")

    assert provider.asked == [], "the connection went to the address that was checked"


async def test_a_host_that_is_no_name_is_told(provider: FakeProvider, outbound: Open) -> None:
    async with outbound(provider.source("openai")) as asking:
        with pytest.raises(DiscoveryFailed, match="is not known to the resolver"):
            await asking.json(f"https://{'a' * 64}.test/x")


async def test_every_address_of_a_host_is_tried(provider: FakeProvider, outbound: Open, waits: list[float]) -> None:
    async def both(host: str, port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    provider.says("/x", [1])
    source = replace(provider.source("ollama"), allowed_hosts=frozenset({"localhost"}))
    async with outbound(source, resolve=both) as asking:
        assert await asking.json(f"http://localhost:{provider.port}/x") == [1]

    assert waits == [], "that is no second attempt"


async def test_a_host_without_an_address_is_told(provider: FakeProvider, outbound: Open) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError

    async def nowhere(host: str, port: int) -> list[str]:
        return []

    for resolver in (unknown, nowhere):
        async with outbound(provider.source("openai"), resolve=resolver) as asking:
            with pytest.raises(DiscoveryFailed, match="is not known to the resolver"):
                await asking.json(f"{provider.url}/x")


@pytest.mark.parametrize("key", ["sk-ü", "sk-\n", "sk-\x00"])
async def test_a_key_that_no_header_can_carry_is_told_without_it(
    provider: FakeProvider, outbound: Open, key: str
) -> None:
    async with outbound(provider.source("openai", key=key)) as asking:
        with pytest.raises(DiscoveryFailed, match="characters that no key has"):
            await asking.json(f"{provider.url}/x", {"authorization": f"Bearer {key}"})

    assert provider.asked == []


async def test_the_certificate_is_that_of_the_name_and_not_of_the_address(
    outbound: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path, "models.test")))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with FakeProvider().running(tls) as provider:
        provider.says("/x", [1])
        hosts = frozenset({"models.test", "other.test"})
        source = replace(provider.source("openai"), allowed_hosts=hosts)
        async with outbound(source, resolve=here) as asking:
            assert await asking.json(f"https://models.test:{provider.port}/x") == [1]
            assert provider.asked[0].headers["host"] == f"models.test:{provider.port}"
            with pytest.raises(DiscoveryFailed, match="cannot be reached"):
                await asking.json(f"https://other.test:{provider.port}/x")


def certificate(folder: Path, name: str) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem"

"""Names of fixed length for whatever callers and policies call things."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b


def hashed(text: str, size: int = 16) -> str:
    """A name of fixed length that no input can break out of: 22 characters of [A-Za-z0-9_-] for 16 bytes."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()

"""A list is told page by page in the order that Redis keeps it in, whatever the locale of its server."""

from __future__ import annotations

import shutil
import subprocess
import uuid
import warnings
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from governance.ledger import open_ledger
from governance.ledger.listing import Listing, Mark
from governance.ledger.scripts import script
from governance.model import Window
from tests.ledger.servers import Server, running

WINDOW = Window("per key", "virtual_key:", "requests", 100, 3600)
MANY = 1_200
# In English `a` goes before `B` and `_` before both.
IDS = ["", "a", "B", "b", "A", "_", "ab", "aB", "a_", "-", "Z", "\xe4", "9", "a\0b"]


def made_locale(folder: Path) -> str | None:
    """Why there is no English locale in this folder; None where it was made."""
    program = shutil.which("localedef")
    if program is None:
        return "localedef is not installed"
    made = subprocess.run(
        [program, "-i", "en_US", "-f", "UTF-8", str(folder / "en_US.UTF-8")], check=False, capture_output=True
    )
    return None if (folder / "en_US.UTF-8" / "LC_COLLATE").is_file() else made.stderr.decode(errors="replace")


async def test_every_window_is_told_once_where_the_server_sorts_words_as_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = made_locale(tmp_path)
    if missing:
        warnings.warn(f"windows are listed in the locale of this machine only: {missing}", stacklevel=1)
    else:
        monkeypatch.setenv("LOCPATH", str(tmp_path))
        monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with running() as server:
        if not missing:
            assert server.client().eval("return 'a' < 'B' and 1 or 0", 0) == 1, "this server sorts in English"
        ledger = open_ledger(server.url, timeout_s=30)
        await ledger.announce([replace(WINDOW, subject=f"virtual_key:{i}") for i in range(MANY)])
        told: list[str] = []
        after: Mark | None = None
        for _ in range(2 * MANY // 100):
            page = await ledger.listed(Listing(), after, 100)
            told += [each.id for each in page.windows]
            after = page.next
            if after is None:
                break
        await ledger.close()

    assert (len(told), len(set(told))) == (MANY, MANY)


def test_ids_are_compared_byte_by_byte(redis_server: Server) -> None:
    text = script("listed").text.decode()
    function = text[text.index("local function not_after") : text.index("-- How many stand before")]
    client, pairs = redis_server.client(), list(product(IDS, repeat=2))
    found = client.eval(
        f"{function}\nlocal r = {{}}\nfor i = 1, #ARGV, 2 do r[#r + 1] = not_after(ARGV[i], ARGV[i + 1]) and 1 or 0 end"
        "\nreturn r",
        0,
        *[text.encode() for pair in pairs for text in pair],
    )

    assert found == [int(a.encode() <= b.encode()) for a, b in pairs]
    key = uuid.uuid4().hex
    client.zadd(key, {text.encode(): 0 for text in IDS})
    assert client.zrange(key, 0, -1) == sorted(text.encode() for text in IDS)

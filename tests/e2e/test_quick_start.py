"""The README's five minutes: its two files and its commands make a proxy that does what it says."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.patience import ANSWER_S, tries

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
FIVE_MINUTES = README.partition("## Five minutes to a governed proxy")[2].partition("\n## ")[0]
LITELLM, POLICY = re.findall(r"^```yaml\n(.*?)^```$", FIVE_MINUTES, re.MULTILINE | re.DOTALL)


@pytest.fixture
def key() -> str:
    """What the README's command makes."""
    (command,) = re.findall(r"^export LITELLM_MASTER_KEY=.*$", FIVE_MINUTES, re.MULTILINE)
    made = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
    assert re.fullmatch(r"sk-[0-9a-f]{64}", made)
    return made


@pytest.fixture
def url(start_process, providers, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "litellm.yaml").write_text(LITELLM)
    (tmp_path / "governance.yaml").write_text(POLICY)
    monkeypatch.delenv("GOVERNANCE_POLICY", raising=False)
    monkeypatch.setenv("LITELLM_MASTER_KEY", key)
    for name in ("CEREBRAS", "OPENAI"):
        monkeypatch.setenv(f"{name}_API_KEY", "not-a-key")
        monkeypatch.setenv(f"{name}_API_BASE", f"{providers.url}/{name.lower()}/v1")
    with start_process(["serve", "--config", str(tmp_path / "litellm.yaml")]) as url:
        yield url


def test_the_readme_makes_a_governed_proxy(url: str, key: str) -> None:
    (body,) = re.findall(r"-d '(\{.*\})'", FIVE_MINUTES)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    answer = httpx.post(f"{url}/v1/chat/completions", headers=headers, content=body, timeout=ANSWER_S)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-governance-target"] == "cerebras/gpt-oss-120b"
    listed: set[str] = set()
    for _ in tries():
        models = httpx.get(f"{url}/v1/models", headers=headers, timeout=ANSWER_S).json()["data"]
        listed = {model["id"] for model in models}
        if "fast/gpt-oss-120b" in listed:
            break
    assert "fast/gpt-oss-120b" in listed
    behind = {name.partition("/")[2] for name in listed if name.startswith(("cerebras/", "openai/"))}
    assert {name for name in listed if name.startswith("fast/")} == {f"fast/{name}" for name in behind}

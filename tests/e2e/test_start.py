"""How a governed proxy starts, and how it refuses to."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from tests.patience import ANSWER_S, run

BROKEN = """\
version: 1
routing_profiles:
  - name: Fast
    virtual_provider: openai
    strategy: best
    targets:
      - {provider: cerebras, wieght: 3}
  - name: fast
    virtual_provider: other
    targets: []
"""


def litellm(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from litellm import run_server; run_server()",
        "--port",
        "0",
        "--host",
        "127.0.0.1",
    ]
    return run([*command, "--config", str(folder / "litellm.yaml"), *options])


def governance(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from governance.cli import main; main()", *arguments]
    return run(command, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = {
        "model_list": [{"model_name": "cerebras/*", "litellm_params": {"model": "cerebras/*", "api_key": "x"}}],
        "litellm_settings": {"callbacks": ["governance.proxy.callback.handler"]},
        "general_settings": {"master_key": "sk-end-to-end-tests-only"},
    }
    (tmp_path / "litellm.yaml").write_text(yaml.safe_dump(config), "utf-8")
    return tmp_path


def test_a_proxy_with_a_broken_policy_refuses_to_start_with_the_text_of_check(folder: Path) -> None:
    (folder / "governance.yaml").write_text(BROKEN, "utf-8")
    checked = governance("check", "governance.yaml", cwd=folder)

    started = litellm(folder)

    mistakes = checked.stderr.splitlines()[:-1]
    assert checked.returncode == 1
    assert len(mistakes) == 5
    assert started.returncode == 3
    assert "\n".join(mistakes) in started.stderr
    assert "Traceback" not in started.stderr


def test_a_proxy_without_its_policy_refuses_to_start(folder: Path) -> None:
    started = litellm(folder)

    assert started.returncode == 3
    assert "governance.yaml: cannot be read: No such file or directory" in started.stderr


def test_serve_refuses_a_broken_policy_before_it_starts_anything(folder: Path) -> None:
    (folder / "governance.yaml").write_text(BROKEN, "utf-8")

    served = governance("serve", "--config", "litellm.yaml", cwd=folder)

    assert served.returncode == 1
    assert "governance.yaml:4: routing_profiles[0].virtual_provider: `openai` is a provider" in served.stderr


def test_serve_names_the_missing_configuration(tmp_path: Path) -> None:
    served = governance("serve", cwd=tmp_path)

    assert served.returncode == 1
    assert "config/litellm.yaml: does not exist" in served.stderr


def test_the_policy_may_be_named_in_the_proxys_configuration(start, providers) -> None:
    from_config = {
        "model_list": [
            {
                "model_name": "a group of its own name",
                "litellm_params": {"model": "openai/gpt-4o", "api_base": f"{providers.url}/openai/v1", "api_key": "x"},
            }
        ],
        "litellm_settings": {"callbacks": ["governance.proxy.callback.handler"]},
        "callback_settings": {"governance": {"policy": "governance.yaml"}},
        "general_settings": {"master_key": "sk-end-to-end-tests-only"},
    }
    policy = "version: 1\nrouting_profiles:\n  - {name: A, virtual_provider: fast, targets: [{provider: openai}]}\n"

    with start(policy, from_config) as proxy:
        answer = proxy.chat("fast/gpt-4o")

    assert answer.headers["x-governance-target"] == "openai/gpt-4o"
    assert answer.headers["x-litellm-model-group"] == "a group of its own name"


def test_serve_wires_governance_into_a_configuration_that_does_not_name_it(folder: Path, start_process) -> None:
    config = yaml.safe_load((folder / "litellm.yaml").read_text("utf-8"))
    del config["litellm_settings"]
    (folder / "litellm.yaml").write_text(yaml.safe_dump(config), "utf-8")
    (folder / "governance.yaml").write_text(
        "version: 1\nrouting_profiles:\n  - {name: A, virtual_provider: fast, targets: [{provider: groq}]}\n", "utf-8"
    )

    with start_process(["serve", "--config", str(folder / "litellm.yaml")]) as url:
        answer = httpx.post(
            f"{url}/v1/chat/completions",
            json={"model": "fast/x", "messages": []},
            headers={"authorization": "Bearer sk-end-to-end-tests-only"},
            timeout=ANSWER_S,
        )

    assert answer.status_code == 400
    assert "groq/x: not_configured" in answer.json()["error"]["message"]

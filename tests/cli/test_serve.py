"""What `serve` and `demo` find out before they start anything."""

from __future__ import annotations

import inspect
import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.cli.port import listens_on
from governance.policy.database import missing_client
from tests import patience

Command = Callable[..., Any]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of this machine that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def config(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    file = folder / "litellm.yaml"
    file.write_text("model_list: []\n")
    return file


def test_a_demo_on_a_taken_port_says_so_and_what_to_type(governance: Command, taken: int) -> None:
    done = governance("demo", "--port", str(taken))

    assert (done.exit_code, done.stdout) == (3, "")
    told = re.fullmatch(
        rf"governance: port {taken} of 127\.0\.0\.1 is taken by another program; end that program, or choose another "
        r"port: governance demo --port (\d+)\n",
        done.stderr,
    )
    assert told, done.stderr
    with socket.create_server(("127.0.0.1", int(told[1]))):
        pass


@pytest.mark.parametrize("options", [["--port", "{port}"], ["--port={port}", "--host", "127.0.0.1"]])
def test_a_proxy_on_a_taken_port_is_not_started(
    governance: Command, config: Path, taken: int, options: list[str]
) -> None:
    done = governance("serve", "--config", "litellm.yaml", *(option.format(port=taken) for option in options))

    assert (done.exit_code, done.stdout) == (3, "")
    assert f"governance: port {taken} of " in done.stderr
    assert "choose another port: governance serve --config litellm.yaml --port " in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ([], {}, ("0.0.0.0", 4000)),
        (["--num_workers", "2"], {"PORT": "8080", "HOST": "::1"}, ("::1", 8080)),
        (["--port=1", "--port", "2"], {"PORT": "3"}, ("0.0.0.0", 2)),
        (["--port", "none"], {}, None),
        (["--port", "70000"], {}, None),
        (["--health"], {}, None),
        (["--port", "4000", "--version"], {}, None),
    ],
)
def test_the_port_is_the_one_that_litellm_would_take(
    options: list[str], environment: dict[str, str], expected: tuple[str, int] | None
) -> None:
    assert listens_on(options, environment) == expected


def test_a_proxy_file_that_is_not_there_is_named_with_the_option(governance: Command, folder: Path) -> None:
    done = governance("serve")

    assert done.exit_code == 1
    assert done.stderr.startswith("config/litellm.yaml: does not exist; name the proxy's file with --config\n")


def test_a_database_without_its_client_is_told_with_what_to_install(governance: Command, config: Path) -> None:
    config.write_text("model_list: []\ngeneral_settings: {database_url: 'postgresql://u:hidden@db/x'}\n")
    served, checked = governance("serve", "--config", "litellm.yaml"), governance("check", "--config", "litellm.yaml")

    assert (served.exit_code, served.stdout, checked.exit_code) == (3, "", 0)
    told = re.search(r"general_settings\.database_url: .* pip install 'litellm\[extra_proxy\]==[\d.]+'", served.stderr)
    assert told
    assert f"warning: litellm.yaml: {told[0]}" in checked.stdout
    assert "hidden" not in served.output + checked.output


def test_a_database_of_the_environment_counts_too() -> None:
    assert (missing_client({}, {"DATABASE_URL": "x"}) or "").startswith("$DATABASE_URL: ")
    assert missing_client({"general_settings": None}, {}) is None


def test_a_database_client_that_is_there_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prisma.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    assert missing_client({}, {"DATABASE_URL": "x"}) is None


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        (["--num_workers", "2"], {}, "60"),
        ([], {"NUM_WORKERS": "2"}, "60"),
        (["--num_workers=2"], {"TIMEOUT_WORKER_HEALTHCHECK": "7"}, "7"),
        ([], {}, "None"),
    ],
)
def test_several_workers_may_take_their_time_to_start(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    environment: dict[str, str],
    expected: str,
) -> None:
    stand_in = tmp_path / "path" / "litellm"
    stand_in.mkdir(parents=True)
    told = 'import os\ndef run_server(): print(os.environ.get("TIMEOUT_WORKER_HEALTHCHECK"))\n'
    (stand_in / "__init__.py").write_text(told)
    monkeypatch.setenv("PYTHONPATH", str(stand_in.parent))
    for name in ("NUM_WORKERS", "TIMEOUT_WORKER_HEALTHCHECK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-c", "from governance.cli import main; main()", "serve", "-c", str(config)]

    done = patience.run([*command, "--policy", "governance.yaml", "--port", "0", *options])

    assert done.stdout.strip() == expected, done.stderr


def test_litellm_and_uvicorn_take_the_time_that_workers_are_given() -> None:
    from litellm.proxy.proxy_cli import run_server
    from uvicorn import Config

    assert "TIMEOUT_WORKER_HEALTHCHECK" in {option.envvar for option in run_server.params}
    assert "timeout_worker_healthcheck" in inspect.signature(Config.__init__).parameters

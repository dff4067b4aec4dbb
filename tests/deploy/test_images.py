"""The image, the processes of compose.yaml and the unit of systemd: judged by their own programs, and by our code."""

from __future__ import annotations

import configparser
import json
import re
import secrets
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from governance.engine.host import Host
from tests.deploy.conftest import Tools
from tests.deploy.facts import DEPLOY, PATHS, VARIABLES_OF_OTHERS, documented, files, is_typed, version, yaml_of
from tests.docs.pages import ROOT, text_of

SECRETS = {
    "LITELLM_MASTER_KEY": "sk-1",
    "REDIS_PASSWORD": "2",
    "POSTGRES_PASSWORD": "3",
    "METRICS_TOKEN": "4",
    "METRICS_TOKEN_SHA256": secrets.token_hex(32),
    "GRAFANA_PASSWORD": "5",
}
PROXIES = ("proxy-1", "proxy-2")


@pytest.fixture(scope="module")
def services(tools: Tools) -> dict[str, Any]:
    """As docker compose understands them."""
    done = tools.run("docker-compose", "-f", "deploy/compose.yaml", "config", "--format", "json", environment=SECRETS)
    assert done.stdout, done.stderr  # as it comes from the index, it ends with 0 in any case
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_hadolint_has_nothing_to_say_of_the_dockerfile(tools: Tools) -> None:
    done = tools.run("hadolint", "--no-color", "deploy/Dockerfile")

    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_made_of_what_the_repository_has_and_runs_a_verb_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE) for word in line.split()]
    let_in = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)

    assert set(copied) == set(let_in)
    assert all((ROOT / name).exists() for name in copied)
    assert text.count("--require-hashes") == 3, "all that is fetched is fetched by its hash"
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    (command,) = re.findall(r"^CMD (\[.+\])$", text, re.MULTILINE)
    is_typed(json.loads(command))
    (check,) = re.findall(r"HEALTHCHECK .*?CMD (\[.+?\"\])$", text, re.MULTILINE | re.DOTALL)
    compile(json.loads(check.replace("\\\n", ""))[2], "HEALTHCHECK", "exec")


def test_nothing_starts_without_its_secrets(tools: Tools) -> None:
    for name in SECRETS.keys() - {"METRICS_TOKEN"}:
        without = {each: value for each, value in SECRETS.items() if each != name}
        done = tools.run("docker-compose", "-f", "deploy/compose.yaml", "config", environment=without)
        assert not done.stdout
        assert f"{name} is missing a value: see docs/deployment.md" in done.stderr


def test_the_processes_of_compose_run_verbs_with_variables_that_are_documented(services: dict[str, Any]) -> None:
    for name in (*PROXIES, "migrate"):
        service = services[name]
        is_typed(service["command"])
        assert service["image"] == f"litellm-governance:{version()}"
        assert service["read_only"], name
        documented(set(service["environment"]) - VARIABLES_OF_OTHERS)
    assert not {
        name for name, service in services.items() for port in service.get("ports", ()) if "host_ip" not in port
    }


def test_every_file_that_compose_mounts_is_there(services: dict[str, Any]) -> None:
    mounted = [volume["source"] for each in services.values() for volume in each.get("volumes", ())]

    assert {path for path in mounted if path.startswith("/") and not Path(path).exists()} == set()


def test_the_policy_of_compose_is_valid_with_what_its_proxies_are_given(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in services["proxy-1"]["environment"].items():
        monkeypatch.setenv(name, value)

    core = Host.load(DEPLOY / "compose" / "governance.yaml").policy.core

    assert core.ledger.url.startswith("redis://")
    assert str(core.store.url).startswith("postgresql://")


def test_every_path_that_is_asked_for_is_served() -> None:
    asked = {
        found
        for file in files()
        for found in re.findall(r"(?<![\w.-])/(?:governance|health)/[a-z]+\b", file.read_text())
    }
    litellm = find_spec("litellm")
    assert litellm is not None
    assert litellm.origin is not None
    routes = (Path(litellm.origin).parent / "proxy" / "health_endpoints" / "_health_endpoints.py").read_text()
    ours = re.findall(r"`GET (/governance/\w+)`", text_of("docs/http-api.md"))

    assert asked == PATHS
    assert {path for path in asked if path not in ours and f'"{path}"' not in routes} == set()


def test_prometheus_and_the_gateway_ask_each_proxy_at_its_port(services: dict[str, Any]) -> None:
    (scraped,) = yaml_of("compose/prometheus.yaml")["scrape_configs"]
    gateway = (DEPLOY / "compose" / "haproxy.cfg").read_text()

    assert scraped["static_configs"] == [{"targets": [f"{name}:4000" for name in PROXIES]}]
    assert (
        re.findall(r"^ +server (\S+) (\S+)$", gateway, re.MULTILINE) == [(name, f"{name}:4000") for name in PROXIES] * 2
    )


def test_the_unit_of_systemd_runs_a_verb_that_ends_before_it_is_killed() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    text = (DEPLOY / "systemd" / "litellm-governance@.service").read_text()
    unit.read_string(text)
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    given = re.search(r"GRACEFUL_SHUTDOWN_TIMEOUT=(\d+)", text)

    assert program.endswith("/bin/governance")
    is_typed(arguments)
    assert given is not None
    assert int(given[1]) < int(unit["Service"]["TimeoutStopSec"])
    documented(set(re.findall(r"^Environment=(\w+)=", text, re.MULTILINE)) - VARIABLES_OF_OTHERS)


def test_redis_keeps_what_it_counts() -> None:
    settings = dict(
        line.split(maxsplit=1)
        for line in (DEPLOY / "redis" / "redis.conf").read_text().splitlines()
        if line[:1] not in "#"
    )

    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["appendonly"] == "yes"


def test_no_file_holds_a_secret() -> None:
    for file in files():
        text = file.read_text("utf-8")
        assert not re.search(r"sk-\w{8}|(?i:password|secret|token)\w*[:=] *['\"]?[A-Za-z0-9+/]{12,}", text), file
        assert not re.search(r"://[^/\s$:]*:[^$\s@]+@", text), f"{file}: a password in a URL"


def test_images_are_named_with_a_version_and_without_a_registry(services: dict[str, Any]) -> None:
    base = re.findall(r"^ARG PYTHON=(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)

    for image in (*base, *(service["image"] for service in services.values())):
        assert re.fullmatch(r"([a-z-]+/)?[a-z-]+:v?\d[\w.-]+", image), image

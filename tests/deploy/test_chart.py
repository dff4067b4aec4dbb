"""The chart, rendered by Helm and held against the schemas of Kubernetes and what our code knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.engine.host import Host
from tests.deploy.conftest import Tools
from tests.deploy.facts import PATHS, VARIABLES_OF_OTHERS, documented, is_typed, version, yaml_of
from tests.docs.pages import text_of

CHART = "deploy/helm"
EVERYTHING = (
    "migrations.enabled=true,autoscaling.enabled=true,ingress.enabled=true,ingress.tlsSecret=tls,"
    "ingress.className=nginx,serviceMonitor.enabled=true,environment.HTTPS_PROXY=http://proxy:3128,"
    "networkPolicy.from[0].namespaceSelector.matchLabels.gateway=yes,image.pullSecrets[0].name=pull"
)
# What is no part of Kubernetes itself has no schema there.
FOREIGN = {"ServiceMonitor"}


def rendered(tools: Tools, *options: str) -> dict[str, dict[str, Any]]:
    """By kind, and by name where there are several."""
    done = tools.run("helm", "template", "here", CHART, *options)
    assert done.returncode == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    names = [document["kind"] + ("/hook" if "annotations" in document["metadata"] else "") for document in documents]
    assert len(set(names)) == len(names)
    return dict(zip(names, documents, strict=True))


def pod(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    spec: dict[str, Any] = document["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    return spec, container


def test_helm_has_nothing_to_say_of_the_chart(tools: Tools) -> None:
    done = tools.run("helm", "lint", "--strict", CHART, "--set", EVERYTHING)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("--set", EVERYTHING)], ids=["as it is", "with everything"])
def test_what_it_renders_is_what_kubernetes_knows(tools: Tools, options: tuple[str, ...], tmp_path: Path) -> None:
    found = rendered(tools, *options)
    assert len(found) == (10 if options else 5)

    for name, document in found.items():
        if document["kind"] not in FOREIGN:
            file = tmp_path / f"{name.replace('/', '-')}.yaml"
            file.write_text(yaml.safe_dump(document))
            done = tools.run("kubernetes-validate", "--strict", file)
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"


def test_its_version_is_the_projects() -> None:
    chart = yaml_of("helm/Chart.yaml")

    assert (chart["version"], chart["appVersion"]) == (version(), version())


def test_its_pods_run_verbs_of_ours_and_may_do_nothing_else(tools: Tools) -> None:
    found = rendered(tools, "--set", EVERYTHING)

    for name in ("Deployment", "Job/hook"):
        spec, container = pod(found[name])
        is_typed(container["args"])
        assert container["image"] == f"litellm-governance:{version()}"
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["automountServiceAccountToken"] is False
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts == {"/etc/governance", "/var/lib/governance", "/tmp"}
        documented({each["name"] for each in container["env"]} - VARIABLES_OF_OTHERS - {"HTTPS_PROXY"})


def test_a_pod_is_asked_where_we_answer_and_ends_before_it_is_killed(tools: Tools) -> None:
    spec, container = pod(rendered(tools)["Deployment"])
    probes = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    (grace,) = (int(each["value"]) for each in container["env"] if each["name"] == "GRACEFUL_SHUTDOWN_TIMEOUT")
    delay = int(container["lifecycle"]["preStop"]["exec"]["command"][1])

    assert probes["readinessProbe"] == "/governance/health"
    assert probes["livenessProbe"] == probes["startupProbe"] == "/health/liveliness"
    assert set(probes.values()) <= PATHS
    assert spec["terminationGracePeriodSeconds"] > grace + delay


def test_who_selects_pods_selects_the_proxies_and_not_the_migrations(tools: Tools) -> None:
    found = rendered(tools, "--set", EVERYTHING)
    proxy, migrations = (found[name]["spec"]["template"]["metadata"]["labels"] for name in ("Deployment", "Job/hook"))
    selectors = {
        "Deployment": found["Deployment"]["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        "PodDisruptionBudget": found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        "Service": found["Service"]["spec"]["selector"],
    }

    for name, selector in selectors.items():
        assert selector.items() <= proxy.items(), name
        assert not selector.items() <= migrations.items(), name


def test_its_files_reach_the_proxy_as_they_were_written(tools: Tools, tmp_path: Path, monkeypatch: Any) -> None:
    found, values = rendered(tools, "--set", "migrations.enabled=true"), yaml_of("helm/values.yaml")
    monkeypatch.setenv("LEDGER_URL", "redis://redis:6379/0")

    data = found["ConfigMap"]["data"]
    assert (data["litellm.yaml"], data["governance.yaml"]) == (values["litellm"], values["policy"])
    assert found["ConfigMap/hook"]["data"]["governance.yaml"] == values["policy"]
    (tmp_path / "governance.yaml").write_text(data["governance.yaml"])
    assert Host.load(tmp_path / "governance.yaml").policy.core.ledger.url == "redis://redis:6379/0"


def test_a_changed_policy_rolls_no_pod_and_a_changed_litellm_does(tools: Tools) -> None:
    before, policy, litellm = (
        pod_template(rendered(tools, *options))
        for options in ((), ("--set", "policy=version: 1"), ("--set", "litellm=model_list: []"))
    )

    assert before == policy
    assert before != litellm


def pod_template(found: dict[str, dict[str, Any]]) -> Any:
    return found["Deployment"]["spec"]["template"]


def test_every_value_is_known_to_the_schema_and_no_other_is(tools: Tools) -> None:
    def names(values: dict[str, Any], schema: dict[str, Any]) -> None:
        known = schema.get("properties", {}).keys() - {"global"}
        assert not schema.get("additionalProperties", True)
        assert values.keys() == known
        for name, value in values.items():
            inner = schema["properties"][name]
            if "properties" in inner:
                names(value, inner)

    names(yaml_of("helm/values.yaml"), yaml_of("helm/values.schema.json"))
    for wrong in ("replica=3", "probes.readiness.path=/healthz", "replicas=0", "existingSecret="):
        done = tools.run("helm", "template", "here", CHART, "--set", wrong)
        assert done.returncode != 0, wrong
        assert "values don't meet the specifications of the schema" in done.stderr


def test_it_makes_no_secret_and_the_page_says_what_is_in_yours(tools: Tools) -> None:
    kinds = {document["kind"] for document in rendered(tools, "--set", EVERYTHING).values()}

    assert "Secret" not in kinds
    for name in ("LITELLM_MASTER_KEY", "LEDGER_URL", "STORE_URL"):
        assert f"`{name}`" in text_of("docs/deployment.md")

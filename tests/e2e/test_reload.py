"""A policy that changes under a running proxy takes over between two requests, in every worker."""

import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.patience import ANSWER_S, tries

MASTER_KEY = "sk-end-to-end-tests-only"


def policy(**more: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "routing_profiles": [
            {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "cerebras"}]},
            {
                "name": "Named",
                "virtual_provider": "named",
                "targets": [{"provider": "cerebras", "virtual_model": "first", "model": "m"}],
            },
        ],
        **more,
    }


def keyed(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "sha256": hashlib.sha256(f"sk-gov-{name}".encode()).hexdigest(), **fields}


def configuration(providers: Any) -> dict[str, Any]:
    return {
        "model_list": [
            {
                "model_name": f"{name}/*",
                "litellm_params": {"model": f"{name}/*", "api_key": "x", "api_base": f"{providers.url}/{name}/v1"},
            }
            for name in ("cerebras", "groq")
        ],
        "general_settings": {"master_key": MASTER_KEY, "custom_auth": "governance.proxy.auth.user_api_key_auth"},
    }


@pytest.fixture(scope="module")
def running(start, providers, redis_url) -> Iterator[Any]:
    with start(yaml.safe_dump(policy(ledger={"url": redis_url})), configuration(providers)) as proxy:
        yield proxy


@pytest.fixture
def change(running, redis_url) -> Iterator[Callable[..., None]]:
    """Write another policy, as an editor does."""
    file: Path = running.output.parent / "governance.yaml"

    def write(text: str | None = None, **more: Any) -> None:
        other = file.with_suffix(".new")
        other.write_text(yaml.safe_dump({**policy(), "ledger": {"url": redis_url}, **more}) if text is None else text)
        other.replace(file)

    def revision() -> str:
        return str(running.client.get("/governance/health").json()["policy"]["revision"])

    before = revision()
    yield write
    write()
    until(lambda: revision() == before)


def until(holds: Callable[[], Any]) -> Any:
    for _ in tries():
        if found := holds():
            return found
    raise AssertionError("has not happened")


def served_by(proxy: Any, model: str, **how: Any) -> str:
    return str(proxy.chat(model, **how).headers.get("x-governance-target", ""))


def profile(name: str, provider: str, *targets: dict[str, Any]) -> dict[str, Any]:
    return {"name": name.title(), "virtual_provider": name, "targets": [{"provider": provider}, *targets]}


def test_a_new_policy_decides_the_next_requests(running, change) -> None:
    assert served_by(running, "fast/m") == "cerebras/m"

    change(routing_profiles=[profile("fast", "groq")])

    until(lambda: served_by(running, "fast/m") == "groq/m")


def test_virtual_models_come_and_go_with_it(running, change) -> None:
    def listed() -> set[str]:
        return {model["id"] for model in running.client.get("/v1/models").json()["data"]}

    until(lambda: "named/first" in listed())

    change(
        routing_profiles=[
            {
                "name": "Named",
                "virtual_provider": "named",
                "targets": [{"provider": "cerebras", "virtual_model": "second", "model": "m"}],
            }
        ]
    )

    until(lambda: "named/second" in listed())
    assert "named/first" not in listed()
    assert running.chat("named/first").status_code == 400


def test_keys_come_and_go_with_it(running, change) -> None:
    assert running.chat("fast/m", key="sk-gov-ci").status_code == 401

    change(keys=[keyed("ci")])
    until(lambda: running.chat("fast/m", key="sk-gov-ci").status_code == 200)

    change(keys=[keyed("ci", enabled=False)])
    until(lambda: running.chat("fast/m", key="sk-gov-ci").status_code == 403)


def test_what_a_window_has_counted_stays_counted(running, change) -> None:
    def limited(requests: str) -> list[dict[str, Any]]:
        target = {"provider": "cerebras", "limits": {"requests": requests}}
        return [{"name": "Counted", "virtual_provider": "counted", "targets": [target]}]

    change(routing_profiles=limited("2/hour"))
    until(lambda: running.chat("counted/m").status_code == 200)
    assert running.chat("counted/m").status_code == 200
    assert running.chat("counted/m").status_code == 429

    change(routing_profiles=limited("3/hour"))

    until(lambda: running.chat("counted/m").status_code == 200)
    assert running.chat("counted/m").status_code == 429


def test_a_broken_policy_changes_nothing_and_is_told(running, change) -> None:
    change(keys=[keyed("ci")])
    until(lambda: running.chat("fast/m", key="sk-gov-ci").status_code == 200)

    change("version: 2\nrouting_profiles: []\nkees: []\n")

    until(lambda: "governance.yaml:1: version: must be 1" in running.output.read_text())
    assert "governance.yaml:3: kees: no such plugin, did you mean `keys`?" in running.output.read_text()
    assert running.chat("fast/m", key="sk-gov-ci").status_code == 200


def test_a_request_ends_on_the_policy_that_it_began_with(running, change, providers) -> None:
    providers.fail("cerebras/slow", chunk_delay_ms=500)
    before = running.decision(running.chat("fast/m").headers["x-governance-decision-id"])["policy_revision"]
    answers = []
    body = {"model": "fast/slow", "stream": True, "messages": [{"role": "user", "content": "a b c d e f g h"}]}

    def stream() -> None:
        with running.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            answers.append(answer)
            began.set()
            answer.read()

    began = threading.Event()
    reader = threading.Thread(target=stream)
    reader.start()
    assert began.wait(ANSWER_S)
    change(routing_profiles=[profile("fast", "groq")])
    until(lambda: served_by(running, "fast/m") == "groq/m")
    reader.join()

    record = running.decision(answers[0].headers["x-governance-decision-id"])
    assert record["policy_revision"] == before
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["ok"]
    assert record["usage"]["output_tokens"] > 0


def test_other_settings_of_the_ledger_wait_for_a_restart(running, change, redis_url) -> None:
    change(ledger={"url": "memory://", "deadline_s": 5}, routing_profiles=[profile("fast", "groq")])

    until(lambda: served_by(running, "fast/m") == "groq/m")
    assert "changed `ledger` settings of policy governance.yaml are used after a restart" in running.output.read_text()


def test_a_hangup_signal_reads_the_policy_again(running) -> None:
    os.kill(running.pid, signal.SIGHUP)

    assert running.chat("fast/m").status_code == 200, "the signal would have ended the proxy"


def test_every_worker_follows(start, providers, redis_url) -> None:
    with start(
        yaml.safe_dump(policy(ledger={"url": redis_url})), configuration(providers), "--num_workers", "2"
    ) as proxy:
        file = proxy.output.parent / "governance.yaml"
        file.write_text(yaml.safe_dump(policy(ledger={"url": redis_url}, routing_profiles=[profile("fast", "groq")])))

        def all_follow() -> bool:
            # Each request is a connection of its own, so that both workers are asked.
            targets = [
                proxy.client.post(
                    "/v1/chat/completions",
                    json={"model": "fast/m", "messages": []},
                    headers={"connection": "close"},
                ).headers.get("x-governance-target")
                for _ in range(10)
            ]
            return set(targets) == {"groq/m"}

        until(all_follow)


def test_a_limit_that_begins_to_count_anew_is_told(running, change: Callable[..., None]) -> None:
    def revision() -> str:
        return str(running.client.get("/governance/health").json()["policy"]["revision"])

    monthly = {"name": "monthly", "subject": "everyone", "amount": "5 USD/month"}
    first = revision()
    change(budgets=[monthly])
    until(lambda: revision() != first)
    change(budgets=[{**monthly, "rolling": True}])

    until(lambda: "limit monthly: counting usd_micros begins anew" in running.output.read_text())

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Command = Callable[..., Any]
SECRET = "sk-gov-a-key-that-is-long-enough"


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def test_a_new_key_is_shown_once_with_the_entry_for_the_policy(governance: Command, folder: Path) -> None:
    options = ["--name", "ci", "--team", "research", "--model", "fast/*", "--model", "openai/gpt-4o"]
    done = governance("keys", "new", *options, "--expires", "2099-01-31")

    key, _, entry = done.stdout.partition("\n\n")
    assert (done.exit_code, done.stderr) == (0, "")
    assert key.startswith("sk-gov-")
    assert len(key) >= len("sk-gov-") + 43, "32 bytes"
    assert key not in entry
    assert yaml.safe_load(entry) == [
        {
            "name": "ci",
            "sha256": digest(key),
            "team": "research",
            "models": ["fast/*", "openai/gpt-4o"],
            "expires": "2099-01-31",
        }
    ]


def test_the_entry_of_a_new_key_can_be_pasted_as_it_is(governance: Command, folder: Path) -> None:
    entry = governance("keys", "new", "--name", "ci: 1", "--user", "yes").stdout.partition("\n\n")[2]
    (folder / "governance.yaml").write_text(f"version: 1\nkeys:\n{entry}")

    assert governance("check").exit_code == 0


def test_no_two_keys_are_alike(governance: Command) -> None:
    told = [json.loads(governance("keys", "new", "--json").stdout) for _ in range(2)]

    assert told[0]["key"] != told[1]["key"]
    assert told[0]["entry"]["sha256"] == digest(told[0]["key"])


def test_an_option_that_the_policy_would_refuse_is_wrong_usage(governance: Command) -> None:
    done = governance("keys", "new", "--expires", "soon")

    assert done.exit_code == 2
    assert "expires: must be a day such as 2027-01-31" in " ".join(done.stderr.replace("│", " ").split())
    assert done.stdout == ""


def test_the_digest_of_a_key_is_read_from_stdin(governance: Command) -> None:
    done = governance("keys", "hash", stdin=f"{SECRET}\n")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{digest(SECRET)}\n"


def test_with_a_name_it_is_an_entry(governance: Command) -> None:
    done = governance("keys", "hash", "--name", "ci", stdin=SECRET)

    assert yaml.safe_load(done.stdout) == [{"name": "ci", "sha256": digest(SECRET)}]
    assert json.loads(governance("keys", "hash", "--json", stdin=SECRET).stdout) == {"sha256": digest(SECRET)}


def test_a_key_on_the_command_line_is_warned_about_and_not_repeated(governance: Command) -> None:
    done = governance("keys", "hash", SECRET)

    assert done.stdout == f"{digest(SECRET)}\n"
    assert done.stderr.startswith("warning: on the command line a key is seen by other programs")
    assert SECRET not in done.output


def test_a_key_that_could_be_guessed_is_refused(governance: Command) -> None:
    done = governance("keys", "hash", stdin="secret\n")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "a key has at least 20 characters; `governance keys new` makes one\n"


def test_what_the_proxy_limits_too_is_a_warning_of_check(governance: Command, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(
        "model_list:\n"
        "  - {model_name: cerebras/*, litellm_params: {model: cerebras/*, rpm: 100}}\n"
        "  - {model_name: openai/*, litellm_params: {model: openai/*}}\n"
        "router_settings: {num_retries: 3}\n"
    )
    done = governance("check", "--config", "litellm.yaml")

    assert done.exit_code == 0
    warnings = done.stdout.splitlines()[1:]
    assert [line.split(": ")[1:4] for line in warnings] == [
        ["litellm.yaml", "model_list[0] (cerebras/*)", "rpm"],
        ["litellm.yaml", "router_settings.num_retries", warnings[1].split(": ")[3]],
    ]

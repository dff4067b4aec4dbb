"""What every verb has in common: help, versions, completion, and exit codes as docs/operations.md states them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main

from governance.cli import app

Command = Callable[..., Any]
TREE: Any = typer.main.get_command(app)

# For each verb: words that make it run, with FILE for what it reads.
READS = {
    "serve": (["--config", "FILE"], ["--config", "litellm.yaml", "--policy", "FILE"]),
    "check": (["FILE"], ["--config", "FILE"]),
    "explain": (
        ["FILE"],
        ["FILE", "--live"],
        ["request.json", "--policy", "FILE"],
        ["request.json", "--config", "FILE"],
    ),
    "test": (["FILE"], ["a.tests.yaml", "--policy", "FILE"], ["a.tests.yaml", "--config", "FILE"]),
    "models": (["--policy", "FILE"], ["--config", "FILE"]),
    "discover": (["--policy", "FILE"], ["--config", "FILE"]),
    "urls": (["--policy", "FILE"],),
    "urls set": (["openai", "https://example.com/models", "--policy", "FILE"],),
    "urls reset": (["--policy", "FILE"],),
    "spend": (["--policy", "FILE"],),
    "spend statement": (["--team", "a", "--month", "2026-11", "--policy", "FILE"],),
    "spend reconcile": (["--invoice", "FILE", "--provider", "openai"],),
    "trace export": (["out.jsonl", "--policy", "FILE"],),
    "trace import": (["governance.yaml", "--policy", "FILE"],),
    "trace verify": (["--policy", "FILE"],),
    "status": (["--policy", "FILE"], ["--config", "FILE"]),
    "doctor": (["--policy", "FILE"], ["--config", "FILE"]),
    "policy diff": (["FILE"], ["FILE", "governance.yaml"], ["governance.yaml", "FILE"]),
    "policy plan": (["FILE"], ["governance.yaml", "--base", "FILE"], ["governance.yaml", "--config", "FILE"]),
    "policy merge": (["FILE", "governance.yaml", "governance.yaml"], ["governance.yaml", "governance.yaml", "FILE"]),
    "policy import": (["FILE"],),
    "policy export": (["FILE"],),
    "policy abort": (["--policy", "FILE"],),
    "policy apply": (["governance.yaml", "--policy", "FILE"],),
    "policy candidate": (["--policy", "FILE"],),
    "policy promote": (["--policy", "FILE"],),
    "policy audit export": (["--policy", "FILE"],),
    "policy audit verify": (["--policy", "FILE"],),
    "policy drift": (["--policy", "FILE"],),
    "policy history": (["--policy", "FILE"],),
    "policy rollback": (["1", "--policy", "FILE"],),
    "policy show": (["--policy", "FILE"],),
    "overlay list": (["--policy", "FILE"],),
    "overlay increase": (["a", "--factor", "2", "--until", "1h", "--reason", "b", "--policy", "FILE"],),
    "overlay stop": (["a", "--until", "1h", "--reason", "b", "--policy", "FILE"],),
    "overlay drain": (["a/b", "--until", "1h", "--reason", "b", "--policy", "FILE"],),
    "overlay freeze": (["--until", "1h", "--reason", "b", "--policy", "FILE"],),
    "overlay withdraw": (["a", "--policy", "FILE"],),
    "profile": (["--policy", "FILE"],),
    "profile set": (["eco", "--policy", "FILE"], ["eco", "--file", "--policy", "FILE"]),
    "task": (["code", "--policy", "FILE"], ["code", "--set", "a/b", "--policy", "FILE"]),
    "test-route": (["Hello", "--policy", "FILE"], ["Hello", "--config", "FILE"]),
    "eval-classifier": (["FILE"],),
    "backtest": (["--policy", "FILE"], ["--policy", "governance.yaml", "--against", "FILE"]),
    "backtest suggest": (["--limit", "a", "--policy", "FILE"],),
}
READ_NOTHING = {
    *(
        "demo",
        "usage",
        "why",
        "overview",
        "residency",
        "trace",
        "plugins",
        "keys",
        "keys new",
        "keys hash",
        "overlay",
        "policy",
        "policy audit",
        "schema",
    )
}
# What has a verb ask a proxy that does not ask one by itself.
_FOR_A_WHILE = ("--until", "1h", "--reason", "b")
AT_A_PROXY = {
    "explain": ("--live",),
    "why": ("ci",),
    "policy abort": (),
    "policy apply": ("governance.yaml",),
    "policy candidate": (),
    "policy promote": (),
    "policy rollback": ("1",),
    "policy diff": ("1", "running"),
    "policy plan": ("1",),
    "policy merge": ("1", "2"),
    "backtest": ("--policy", "1"),
    "backtest suggest": ("--limit", "a", "--policy", "1"),
    "overlay increase": ("a", "--factor", "2", *_FOR_A_WHILE),
    "overlay stop": ("a", *_FOR_A_WHILE),
    "overlay drain": ("a/b", *_FOR_A_WHILE),
    "overlay freeze": _FOR_A_WHILE,
    "overlay withdraw": ("a",),
    "profile set": ("eco",),
    "spend statement": ("--team", "a", "--month", "2026-11"),
    "spend reconcile": ("--invoice", "invoice.csv", "--provider", "openai"),
}
# Everything that it does not know is for LiteLLM.
PASSES_ON = {"serve"}


def verbs(group: Any = TREE, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        yield f"{before}{name}"
        yield from verbs(command, f"{before}{name} ") if hasattr(command, "commands") else ()


def params(verb: str) -> list[Any]:
    command = TREE
    for name in verb.split():
        command = command.commands[name]
    return command.params


@pytest.fixture
def folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With something valid of each kind, and files that are none of them."""
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-admin")
    (folder / "governance.yaml").write_text("version: 1\ntask_routing: {}\n")
    (folder / "litellm.yaml").write_text("model_list: []\n")
    (folder / "invoice.csv").write_text("model,cost\nm,1\n")
    (folder / "request.json").write_text('{"body": {"model": "auto"}}')
    (folder / "a.tests.yaml").write_text("tests: [{name: a, request: {model: auto}, expect: {outcome: refuse}}]\n")
    (folder / "a folder").mkdir()
    (folder / "empty").write_text("")
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "a sentence").write_text("just some text\n")
    # Root may read whatever has a mode; nobody can follow this one.
    os.symlink("unreadable", folder / "unreadable")
    return folder


def test_every_verb_is_tried_below() -> None:
    assert set(verbs()) == READS.keys() | READ_NOTHING


@pytest.mark.parametrize("verb", ["", *verbs()])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_verb_has_help_in_both_spellings(governance: Command, verb: str, option: str) -> None:
    done = governance(*verb.split(), option)

    assert (done.exit_code, done.stderr) == (0, "")
    assert f"Usage: governance {verb}".strip() in done.stdout
    assert not re.search(r"\w\.\.\.$", done.stdout, re.MULTILINE), "nothing is cut"


@pytest.mark.parametrize("verb", list(verbs()))
def test_every_option_of_every_verb_is_explained(verb: str) -> None:
    assert [param.name for param in params(verb) if not (getattr(param, "help", None) or "").strip()] == []


def test_the_versions_are_told_in_a_line(governance: Command) -> None:
    done = governance("--version")

    assert done.exit_code == 0
    told = re.fullmatch(r"governance (\S+) \(LiteLLM (\S+), Python 3\.\d+\.\d+\)\n", done.stdout)
    assert told
    assert told.groups() == (version("litellm-governance"), version("litellm"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_verbs_and_options(process: Command, shell: str) -> None:
    typed = {"bash": "COMP_WORDS='governance us', COMP_CWORD='1'", "zsh": "_TYPER_COMPLETE_ARGS='governance us'"}
    typed["fish"] = "_TYPER_COMPLETE_ARGS='governance us', _TYPER_COMPLETE_FISH_ACTION='get-args'"
    done = process(
        f"import os, sys; os.environ.update({typed[shell]}, _GOVERNANCE_COMPLETE='complete_{shell}')\n"
        "sys.argv = ['governance']\n"
        "from governance.cli import main; main()\n"
    )

    assert "usage" in done.stdout, done.stderr
    assert "serve" not in done.stdout


@pytest.mark.parametrize("verb", sorted(set(verbs()) - PASSES_ON))
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_an_unknown_option_is_wrong_usage(governance: Command, folder: Path, verb: str, as_json: list[str]) -> None:
    done = governance(*verb.split(), "--no-such-option", *as_json)

    assert (done.exit_code, done.stdout) == (2, "")
    assert "--no-such-option" in done.stderr


@pytest.mark.parametrize(
    "verb", [v for v in verbs() if any(p.param_type_name == "argument" and p.required for p in params(v))]
)
def test_a_missing_argument_is_wrong_usage(governance: Command, folder: Path, verb: str) -> None:
    done = governance(*verb.split())

    assert (done.exit_code, done.stdout) == (2, "")
    assert "Missing argument" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["no-such-verb"], ["urls", "no-such"], ["profile", "no-such"], ["keys", "no-such"]]
)
def test_an_unknown_verb_is_wrong_usage(governance: Command, arguments: list[str]) -> None:
    assert governance(*arguments).exit_code == 2


@pytest.mark.parametrize("verb", [v for v in verbs() if any("--url" in p.opts for p in params(v))])
@pytest.mark.parametrize("url", ["ftp://somewhere", "http://host:port", "127.0.0.1:4000", "http://", "nowhere", ""])
def test_an_address_that_can_be_none_is_wrong_usage(governance: Command, folder: Path, verb: str, url: str) -> None:
    done = governance(*verb.split(), *AT_A_PROXY.get(verb, ()), "--url", url)

    assert (done.exit_code, done.stdout) == (2, "")
    assert "write one such as http://127.0.0.1:4000" in re.sub(r"[\s│]+", " ", done.stderr)


# It looks at what else there is, and tells of the proxy what it tells of everything that cannot be asked.
LOOKS_AT_ALL = {"doctor"}


@pytest.mark.parametrize(
    "verb", [v for v in verbs() if v not in LOOKS_AT_ALL and any("--key-env" in p.opts for p in params(v))]
)
def test_a_proxy_that_cannot_be_asked_is_none_of_our_mistakes(governance: Command, folder: Path, verb: str) -> None:
    words = (*verb.split(), *AT_A_PROXY.get(verb, ()))

    assert governance(*words, "--url", "http://127.0.0.1:1").exit_code == 3
    assert governance(*words, "--url", "http://127.0.0.1:1", "--key-env", "NOT_SET").exit_code == 3


@pytest.mark.parametrize(
    "file", ["missing", "unreadable", "a folder", "empty", "binary", "a sentence", "missing/below"]
)
@pytest.mark.parametrize("verb", READS)
def test_a_file_that_cannot_be_used_is_named_in_one_line(
    governance: Command, folder: Path, verb: str, file: str
) -> None:
    for words in READS[verb]:
        done = governance(*verb.split(), *[file if word == "FILE" else word for word in words])

        assert done.exit_code == (2 if verb == "test" else 1), (words, done.output)
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
        assert done.stdout == "", words
        first, *rest = done.stderr.splitlines()
        assert first.startswith(file), words
        assert rest == ["1 mistake; nothing was changed"], words

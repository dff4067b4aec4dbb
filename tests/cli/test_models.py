"""The verbs models, discover, urls and status."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
CONFIG = """
model_list:
  - model_name: smart
    litellm_params: {model: openai/gpt-4o, api_key: sk-very-secret}
"""
OVERRIDE = """
version: 1
catalog:
  overrides:
    openai/gpt-4o: {input_usd_per_1m_tokens: 0.4, display_name: Ours, retires_on: never}
"""

PROFILE = """
version: 1
routing_profiles:
  - name: Fast
    virtual_provider: fast
    targets: [{provider: openai, model: brand-new}, {provider: openai, model: gpt-4o}]
"""


class Provider(BaseHTTPRequestHandler):
    """Lists the models that its server was told."""

    server: Listing

    def do_GET(self) -> None:
        self.server.keys.append(self.headers.get("authorization", ""))
        payload = json.dumps({"data": [{"id": name} for name in self.server.models]}).encode()
        self.send_response(200 if self.path.endswith("/v1/models") else 404)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object) -> None:
        return None


class Listing(ThreadingHTTPServer):
    """A provider on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Provider)
        self.models = ["gpt-4o", "brand-new"]
        self.keys: list[str] = []


@pytest.fixture(autouse=True)
def nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys, no policy, and a place of its own for what is discovered."""
    for name in ("OPENAI", "ANTHROPIC", "GEMINI", "GOOGLE", "GROQ", "OPENROUTER", "VERCEL_AI_GATEWAY"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(folder / "state"))
    (folder / "governance.yaml").unlink()


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listing]:
    server = Listing()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    yield server
    server.shutdown()
    server.server_close()


def told(done: Any) -> Any:
    assert "sk-very-secret" not in done.output
    return json.loads(done.stdout)


def test_models_are_discovered_without_any_policy(governance: Command, openai: Listing) -> None:
    done = governance("discover", "--json")

    assert done.exit_code == 0, done.output
    [provider] = told(done)["providers"]
    assert (provider["provider"], provider["added"], provider["error"]) == ("openai", ["brand-new", "gpt-4o"], None)
    assert openai.keys == ["Bearer sk-very-secret"]


def test_what_came_and_went_is_shown(governance: Command, openai: Listing) -> None:
    governance("discover")
    openai.models = ["gpt-4o", "newer"]
    done = governance("discover", "--provider", "openai")

    assert done.exit_code == 0
    assert "+newer, -brand-new" in done.stdout


def test_a_failure_is_shown_and_keeps_what_was_known(governance: Command, openai: Listing) -> None:
    governance("discover")
    openai.models = []
    done = governance("discover")

    assert done.exit_code == 1
    assert "failed: lists no models at all" in done.stdout
    assert "2 known before are kept" in done.stdout
    assert {row["model"] for row in told(governance("models", "--json"))["models"]} == {
        "openai/brand-new",
        "openai/gpt-4o",
    }


def test_a_provider_without_a_key_says_which_variable_to_set(governance: Command) -> None:
    done = governance("discover", "--provider", "openai", "--json")

    assert done.exit_code == 1
    assert told(done)["providers"][0]["error"] == "no key; set OPENAI_API_KEY, or give its `api_key` in the policy"


def test_with_nothing_to_read_it_says_what_would_help(governance: Command) -> None:
    done = governance("discover")

    assert done.exit_code == 1
    assert "no provider is in use: set a key such as OPENAI_API_KEY" in done.stderr


def test_an_unknown_provider_is_told_with_the_known_ones(governance: Command) -> None:
    for verb in (("discover", "--provider", "nobody"), ("urls", "set", "nobody", "https://x.test")):
        done = governance(*verb)
        assert done.exit_code == 1
        assert "`nobody` is not known; known: openai, anthropic" in done.stderr


def test_models_tell_what_is_known_and_who_says_so(governance: Command, openai: Listing, folder: Path) -> None:
    (folder / "governance.yaml").write_text(OVERRIDE)
    (folder / "litellm.yaml").write_text(CONFIG)
    done = governance("models", "--refresh", "--config", "litellm.yaml", "--json")

    assert done.exit_code == 0, done.output
    rows = {row["model"]: row for row in told(done)["models"]}
    known, unknown = rows["openai/gpt-4o"], rows["openai/brand-new"]
    assert (known["served_as"], known["display_name"], known["tier"]) == ("smart", "Ours", "medium")
    assert (known["input_usd_per_1m_tokens"], known["output_usd_per_1m_tokens"]) == (0.4, 10.0)
    assert known["sources"]["input_usd_per_1m_tokens"] == "policy"
    assert known["sources"]["max_input_tokens"] == "model map"
    assert (unknown["served_as"], unknown["tier"], unknown["input_modalities"]) == (None, None, None)
    assert set(unknown["capabilities"].values()) == {None}


def test_models_are_a_table_for_people(governance: Command, openai: Listing, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(CONFIG)
    governance("discover")
    done = governance("models", "-c", "litellm.yaml")

    assert done.exit_code == 0
    [line] = [line for line in done.stdout.splitlines() if line.startswith("openai/gpt-4o")]
    assert line.split()[1:6] == ["high", "2.5", "10", "128,000", "16,384"]
    assert "yes" in line
    assert "2 models" in done.stdout


def test_models_of_one_provider_include_those_of_the_model_map(governance: Command) -> None:
    rows = told(governance("models", "--provider", "openai", "--modality", "embedding", "--json"))["models"]

    assert "openai/text-embedding-3-small" in {row["model"] for row in rows}
    assert all(row["output_modalities"] == ["embedding"] for row in rows)


def test_an_unknown_modality_is_told_with_the_known_ones(governance: Command) -> None:
    done = governance("models", "--modality", "smell")

    assert done.exit_code == 2
    assert "image_generation" in done.stderr


def test_a_model_that_is_gone_is_marked(governance: Command, openai: Listing) -> None:
    governance("discover")
    openai.models = ["gpt-4o"]
    rows = told(governance("models", "--refresh", "--json"))["models"]

    assert {row["model"]: bool(row["gone_since"]) for row in rows} == {"openai/brand-new": True, "openai/gpt-4o": False}


def test_the_models_of_a_policy_are_checked_against_what_providers_list(
    governance: Command, openai: Listing, folder: Path
) -> None:
    stays = "catalog: {overrides: {openai/gpt-4o: {retires_on: never}}}\n"
    (folder / "governance.yaml").write_text(PROFILE + stays)
    (folder / "litellm.yaml").write_text("model_list: [{model_name: openai/*, litellm_params: {model: openai/*}}]")
    governance("discover")
    assert told(governance("check", "-c", "litellm.yaml", "--json"))["warnings"] == []
    openai.models = ["gpt-4o"]
    governance("discover")

    [warning] = told(governance("check", "-c", "litellm.yaml", "--json"))["warnings"]
    assert warning.startswith("profile Fast: `openai/brand-new` is not listed by its provider since 20")


def test_explain_knows_what_the_policy_and_the_providers_say(
    governance: Command, openai: Listing, folder: Path
) -> None:
    (folder / "governance.yaml").write_text(PROFILE + OVERRIDE.replace("version: 1", ""))
    governance("discover")
    openai.models = ["gpt-4o"]
    governance("discover")
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    body = {"model": "fast/x", "messages": [{"role": "user", "content": [image]}]}
    told_candidates = told(governance("explain", "-", "--json", stdin=json.dumps({"body": body})))["candidates"]

    assert [(each["target"], each["reason"]) for each in told_candidates] == [
        ("openai/brand-new", None),
        ("openai/gpt-4o", None),
    ]
    assert "not listed by its provider since" in told_candidates[0]["detail"]


def test_what_steers_a_terminal_does_not_reach_it(governance: Command, openai: Listing) -> None:
    openai.models = ["evil\x1b[31m", "fine"]
    governance("discover")

    assert "\x1b[31m" not in governance("models").stdout


def test_a_page_is_shown_set_and_reset(governance: Command) -> None:
    def page() -> tuple[str, str]:
        [row] = [row for row in told(governance("urls", "--json"))["urls"] if row["provider"] == "openai"]
        return row["url"], row["by"]

    built_in = page()
    assert governance("urls", "set", "openai", "https://example.com/models").exit_code == 0
    assert page() == ("https://example.com/models", "you")
    assert governance("urls", "reset", "groq").exit_code == 0
    assert page()[1] == "you"
    assert governance("urls", "reset").exit_code == 0
    assert page() == built_in
    assert built_in[1] == "built in"


def test_a_page_that_may_not_be_asked_is_refused(governance: Command) -> None:
    for url in ("http://example.com", "ftp://example.com", "https://me:pw@example.com"):
        done = governance("urls", "set", "openai", url)
        assert done.exit_code == 1
        assert "must" in done.stderr or "is n" in done.stderr


def test_the_policys_page_is_changed_in_the_policy(governance: Command, folder: Path) -> None:
    text = "catalog: {discovery: {providers: {openai: {docs_url: 'https://ours.test/models'}}}}"
    (folder / "governance.yaml").write_text(text)
    done = governance("urls", "set", "openai", "https://example.com")

    assert done.exit_code == 1
    assert "the policy gives the page of `openai`" in done.stderr
    assert "https://ours.test/models" in governance("urls").stdout


def test_status_tells_policy_ledger_discovery_and_proxy(governance: Command, openai: Listing, folder: Path) -> None:
    (folder / "governance.yaml").write_text(OVERRIDE + "  discovery: {every: 6h}\n")
    governance("discover")
    openai.models = []
    governance("discover")
    url = f"http://127.0.0.1:{openai.server_port}"
    done = governance("status", "--json", "--url", url)

    assert done.exit_code == 0, done.output
    status = told(done)
    assert status["policy"]["revision"].startswith("sha256:")
    assert status["ledger"] == {"kind": "memory", "reachable": True}
    assert status["proxy"] == {"url": url, "reachable": False}
    assert status["discovery"]["every_s"] == 21_600
    [provider] = [row for row in status["discovery"]["providers"] if row["provider"] == "openai"]
    assert (provider["in_use"], provider["models"], provider["source"]) == (True, 2, "api")
    assert provider["last_sync"] is not None
    assert provider["error"] == "lists no models at all; what was known is kept"
    assert "lists no models at all" in governance("status", "--url", url).stdout


def test_status_works_without_a_policy(governance: Command) -> None:
    done = governance("status", "--url", "http://127.0.0.1:9")

    assert done.exit_code == 0, done.output
    assert "none here; name one with --policy" in done.stdout
    assert "does not answer" in done.stdout


def test_a_ledger_that_does_not_answer_is_exit_code_1(governance: Command, folder: Path) -> None:
    (folder / "governance.yaml").write_text("ledger: {url: 'redis://127.0.0.1:9'}")
    done = governance("status", "--json", "--url", "http://127.0.0.1:9")

    assert done.exit_code == 1
    assert told(done)["ledger"] == {"kind": "redis", "reachable": False}


def test_what_is_damaged_in_the_store_is_told_until_it_is_read_anew(
    governance: Command, openai: Listing, folder: Path
) -> None:
    governance("discover")
    with closing(sqlite3.connect(folder / "state" / "governance.db")) as store:
        store.execute("UPDATE discovery_source SET listed = '{'")
        store.commit()
    done = governance("models", "--json")

    assert done.exit_code == 0
    assert "what was read of openai is damaged; run `governance discover`" in told(done)["problem"]
    assert governance("discover").exit_code == 0
    assert told(governance("models", "--json"))["problem"] is None


def test_without_a_store_none_is_made_to_see_that_nothing_is_known(governance: Command, folder: Path) -> None:
    for verb in ("models", "status", "urls"):
        governance(verb)

    assert not (folder / "state").exists()


def test_what_an_earlier_version_has_discovered_is_taken_over_and_a_damaged_file_of_it_is_told(
    governance: Command, folder: Path
) -> None:
    (folder / "state").mkdir()
    file = folder / "state" / "catalogue.json"
    file.write_text(json.dumps({"docs_urls": {"groq": "https://example.com/models"}}))
    assert "https://example.com/models" in governance("urls").stdout
    file.write_text("{")
    done = governance("models", "--json")

    assert f"{file}: is damaged, and nothing of it is taken over; remove it" in told(done)["problem"]
    assert "https://example.com/models" in governance("urls").stdout


def test_a_store_that_cannot_be_opened_is_told_and_models_are_known_without_it(
    governance: Command, folder: Path
) -> None:
    (folder / "state").mkdir()
    (folder / "state" / "governance.db").write_text("no database, and long enough to be seen as none" * 50)
    (folder / "governance.yaml").write_text("version: 1\n")
    models, check = governance("models", "--json"), governance("check")

    assert (models.exit_code, check.exit_code) == (0, 0)
    assert "file is not a database" in told(models)["problem"]
    assert "what was discovered is not used: the store (sqlite:///" in check.stderr
    assert governance("discover", "--provider", "openai").exit_code == 1


@pytest.mark.parametrize(
    "section",
    [
        "routing_profiles: [{name: Fast, virtual_provider: fast, targets: [{provider: Groq}]}]",
        "routing_rules: [{name: r, targets: [{provider: openai, model: x}], fallbacks: [groq/llama]}]",
        "rate_limits: [{name: l, subject: {provider: groq}, requests: 1/day}]",
        "task_routing: {overrides: {code: groq/llama}}",
    ],
)
def test_a_provider_that_the_policy_names_anywhere_is_in_use(governance: Command, folder: Path, section: str) -> None:
    (folder / "governance.yaml").write_text(f"version: 1\n{section}\n")
    lines = governance("status", "--url", "http://127.0.0.1:1").stdout.splitlines()

    assert not next(line for line in lines if line.startswith("groq ")).endswith("not in use")
    assert next(line for line in lines if line.startswith("ollama ")).endswith("not in use")


def test_the_revision_is_in_one_piece_on_a_terminal(on_terminal: Command, folder: Path) -> None:
    (folder / "governance.yaml").write_text("version: 1\n")
    lines = on_terminal("status", "--url", "http://127.0.0.1:1", columns=60)

    assert any(re.fullmatch(r"revision   sha256:[0-9a-f]{64}", line) for line in lines), lines


def test_a_provider_of_the_proxys_own_file_is_in_use(governance: Command, folder: Path) -> None:
    (folder / "litellm.yaml").write_text("model_list: [{model_name: m, litellm_params: {model: ollama_chat/llama}}]\n")
    lines = governance("status", "--config", "litellm.yaml", "--url", "http://127.0.0.1:1").stdout.splitlines()

    assert not next(line for line in lines if line.startswith("ollama ")).endswith("not in use")
    assert next(line for line in lines if line.startswith("groq ")).endswith("not in use")


def test_models_that_targets_name_are_shown_with_the_day_on_which_they_retire(
    governance: Command, folder: Path
) -> None:
    (folder / "governance.yaml").write_text(
        "version: 1\n"
        "catalog: {overrides: {groq/other: {max_input_tokens: 9}, groq/mine: {retires_on: 2027-01-14}}}\n"
        "routing_profiles:\n"
        "- {name: F, virtual_provider: f, targets: [{provider: groq, model: mine}, {group: g}, {provider: openai}]}\n"
        "- {name: G, virtual_provider: g, targets: [{provider: groq, model: yours}]}\n"
    )

    rows = json.loads(governance("models", "--json").stdout)["models"]
    assert {row["model"]: row["deprecation_date"] for row in rows} == {
        "groq/mine": "2027-01-14",
        "groq/other": None,
        "groq/yours": None,
    }
    assert "retires 2027-01-14" in governance("models", "--policy", "governance.yaml").stdout


def test_for_images_audio_and_video_each_model_says_whether_it_can_serve_and_why(
    governance: Command, folder: Path
) -> None:
    (folder / "governance.yaml").write_text(
        "version: 1\nrouting_profiles:\n"
        "- name: F\n  virtual_provider: f\n"
        "  targets: [{provider: openai, model: gpt-4o}, {provider: openai, model: new}]\n"
        "- {name: G, virtual_provider: g, targets: [{provider: gemini, model: gemini-3.8-flash}]}\n"
    )

    rows = json.loads(governance("models", "--for", "videos", "--json").stdout)["models"]
    assert [(row["model"], row["serves"]) for row in rows] == [
        ("gemini/gemini-3.8-flash", True),
        ("openai/new", None),
        ("openai/gpt-4o", False),
    ]
    assert [row["why"] for row in rows[1:]] == ["nobody says what it takes", "brings video, takes image, text"]
    assert "1 of 3 models can serve video" in governance("models", "--for", "video").stdout
    assert "0 of 3 models can serve image with audio_generation" in governance("models", "--for", "image,tts").stdout


def test_a_word_that_is_no_modality_is_refused_with_the_nearest(governance: Command, folder: Path) -> None:
    (folder / "governance.yaml").write_text("version: 1\n")
    done = governance("models", "--for", "vidio")

    assert done.exit_code == 1
    assert done.stderr.startswith("`vidio` is none, did you mean `video`?; a prompt may bring image, audio, video, ")
    assert governance("models", "--for", "image", "--modality", "image").exit_code == 2

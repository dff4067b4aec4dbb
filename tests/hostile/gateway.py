"""The proxy under attack, and a recorder behind everything that leads out of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.e2e.conftest import ending, free_port, wait_until_ready
from tests.e2e.forked import Original
from tests.hostile.installation import COOLING_S, MASTER_KEY, POLICY, configuration, environment, key
from tests.hostile.recorder import Call, Recorder
from tests.patience import ANSWER_S, tries

# What everybody asks for: whoever cools its target down harms all.
CANARY: Final = "two/walked"
CANARY_TARGET: Final = "cerebras/walked"
SETTLING_TURNS: Final = 120
COOLING_TURNS: Final = 12 * COOLING_S


class Gateway:
    """The running proxy, asked as one of its callers or as its operator."""

    def __init__(self, url: str, folder: Path, recorder: Recorder) -> None:
        self.url, self.recorder = url, recorder
        self.output, self._decisions = folder / "output.txt", folder / "decisions.jsonl"
        self.client = httpx.Client(base_url=url, timeout=ANSWER_S, trust_env=False)
        self._operator = {"authorization": f"Bearer {MASTER_KEY}"}

    def taken(self) -> list[Call]:
        """What left the proxy since this was asked last."""
        return self.recorder.taken()

    def openapi(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/openapi.json").json()
        return found

    def chat(self, name: str, model: str) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        return self.client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key(name)}"})

    def counted(self, team: str) -> Mapping[str, int]:
        """What the windows of a team hold by unit, once nothing of it is in flight."""
        for _ in tries():
            page = self.client.get("/governance/api/usage", params={"subject": f"team:{team}"}, headers=self._operator)
            used = {row["unit"]: row["used"] for row in page.json()["windows"]}
            if not used.get("concurrent"):
                return used
        raise AssertionError(f"requests of team {team} never end: {used}")

    def harmed(self) -> str:
        """How somebody else is served now who asks for what everybody asks for; "" where he is not affected."""
        answer = self.chat("canary", CANARY)
        if answer.headers.get("x-governance-target") == CANARY_TARGET:
            return ""
        return f"{answer.status_code} {answer.text[:300]}"

    def heals(self) -> None:
        """Wait until everybody is served again as at first."""
        for _ in tries(COOLING_TURNS):
            if not self.harmed():
                return

    def settled(self, team: str, before: Mapping[str, int], calls: Sequence[Call]) -> Mapping[str, int]:
        """What the windows of a team hold once all that providers told is counted, or nothing changes any more."""
        told, last = sum(call.told_tokens for call in calls), -1
        for turn, _ in enumerate(tries()):
            used = self.counted(team)
            grown = used.get("tokens", 0) - before.get("tokens", 0)
            # LiteLLM tells of some answers seconds later.
            if grown >= told or (turn >= SETTLING_TURNS and grown == last):
                break
            last = grown if turn % SETTLING_TURNS == 0 else last
        return used

    def told(self) -> Iterator[tuple[str, str]]:
        """Everything that the proxy writes or shows to whoever operates it."""
        yield "the proxy's output", self.output.read_text("utf-8", "replace")
        yield "the decision log", self._decisions.read_text("utf-8", "replace") if self._decisions.exists() else ""
        for page in ("health", "metrics", "api/usage", "api/decisions", "api/models"):
            yield page, self.client.get(f"/governance/{page}", headers=self._operator).text


@contextlib.contextmanager
def running(imported: Original, folder: Path) -> Iterator[Gateway]:
    """Recorder and proxy."""
    recorder = Recorder()
    (folder / "governance.yaml").write_text(yaml.safe_dump(POLICY), "utf-8")
    (folder / "litellm.yaml").write_text(yaml.safe_dump(configuration(recorder.url)), "utf-8")
    port = free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--config", str(folder / "litellm.yaml")]
    surroundings = {**environment(recorder), "GOVERNANCE_DECISION_LOG": str(folder / "decisions.jsonl")}
    try:
        copy = imported.copy(arguments, folder / "output.txt", surroundings)
        with ending(copy, folder / "output.txt") as started:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{url}/health/liveliness", started, folder / "output.txt")
            yield Gateway(url, folder, recorder)
    finally:
        recorder.close()
